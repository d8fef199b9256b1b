/** Runs before each test file: what a test sets in the environment or leaves on the disk ends with it. */
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
