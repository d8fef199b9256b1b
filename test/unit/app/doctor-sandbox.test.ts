import { expect, test } from "vitest";
import { remedy } from "../../../src/app/doctor-sandbox.ts";

const kernel = (settings: Readonly<Record<string, string>>) => (name: string) => settings[name];

test("names the package, or the setting of the kernel that forbids it", () => {
  expect(remedy("bubblewrap (bwrap) is not installed", kernel({}))).toBe("install the package bubblewrap");
  const denied = "bwrap: setting up uid map: Permission denied";
  expect(remedy(denied, kernel({ "kernel/apparmor_restrict_unprivileged_userns": "1" }))).toBe(
    "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
  );
  expect(remedy(denied, kernel({ "kernel/unprivileged_userns_clone": "0" }))).toBe(
    "sudo sysctl -w kernel.unprivileged_userns_clone=1",
  );
  expect(remedy(denied, kernel({ "user/max_user_namespaces": "63000" }))).toBe(
    "allow user namespaces on this machine, or in this container",
  );
});
