/**
 * The page that registers the App with GitHub's manifest flow.
 *
 * Invariants:
 * - The form is sent to GitHub only, and contains no secret.
 * - The manifest is escaped, so that it cannot leave its field.
 */
import * as z from "zod";

/** The content of `app.yml`. */
export const manifestSchema = z.strictObject({
  name: z.string(),
  description: z.string(),
  url: z.url(),
  public: z.boolean(),
  default_permissions: z.record(z.string(), z.enum(["read", "write"])),
  default_events: z.array(z.string()),
});

export interface ManifestOptions {
  readonly name: string | undefined;
  /** The address for webhooks; undefined when there is no server yet. */
  readonly webhook: string | undefined;
  /** Where GitHub redirects the browser after the registration. */
  readonly redirect: string | undefined;
}

export function buildManifest(
  file: z.infer<typeof manifestSchema>,
  { name, webhook, redirect }: ManifestOptions,
): object {
  return {
    ...file,
    ...(name === undefined ? {} : { name }),
    ...(webhook === undefined ? {} : { url: new URL(webhook).origin }),
    // GitHub requires an address even when the webhook is inactive.
    hook_attributes: { url: webhook ?? file.url, active: webhook !== undefined },
    ...(redirect === undefined ? {} : { redirect_url: redirect }),
  };
}

/** The target of the form: the settings of the person, or of an organization. */
export function formAddress(server: string, org: string | undefined, state: string | undefined): string {
  const path = org === undefined ? "settings/apps/new" : `organizations/${org}/settings/apps/new`;
  return `${server}/${path}${state === undefined ? "" : `?state=${state}`}`;
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const page = (body: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Trailhand on GitHub</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }</style>
${body}
</html>
`;

export function formPage(address: string, manifest: object): string {
  return page(`<h1>Register the Trailhand App</h1>
<p>The button opens GitHub, which shows the permissions of the App and asks for your consent.</p>
<form method="post" action="${escapeHtml(address)}">
<input type="hidden" name="manifest" value="${escapeHtml(JSON.stringify(manifest))}">
<button>Register the App on GitHub</button>
</form>
<details><summary>The manifest that is sent</summary><pre>${escapeHtml(JSON.stringify(manifest, undefined, 2))}</pre></details>`);
}

export const donePage = (install: string): string =>
  page(`<h1>The App is registered</h1>
<p>The credentials are on your machine. Return to your terminal.</p>
<p><a href="${escapeHtml(install)}">Install the App in repositories</a></p>`);

export const failedPage = (why: string): string =>
  page(`<h1>The App was not registered</h1>\n<p>${escapeHtml(why)}</p>`);
