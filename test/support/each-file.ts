/** Restores the environment after each test, and removes temporary directories after each test file. */
import { afterAll, afterEach } from "vitest";
import { removeTemporaryDirs } from "./temp-repo.ts";

const environment = { ...process.env };

afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  for (const [name, value] of Object.entries(environment)) {
    if (process.env[name] !== value) process.env[name] = value;
  }
});

afterAll(removeTemporaryDirs);
