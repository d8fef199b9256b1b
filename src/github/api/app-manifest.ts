/**
 * The page that registers the App: GitHub's manifest flow, in a form that a person sends.
 *
 * What must hold: the form goes to GitHub and nowhere else, and holds nothing secret; what is in
 * the manifest cannot break out of its field.
 */
import * as z from "zod";

/** What `app.yml` holds. */
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
  /** Where webhooks are to go; undefined: there is no server yet. */
  readonly webhook: string | undefined;
  /** Where GitHub sends the person back to. */
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
    // GitHub wants an address even of a hook that is off.
    hook_attributes: { url: webhook ?? file.url, active: webhook !== undefined },
    ...(redirect === undefined ? {} : { redirect_url: redirect }),
  };
}

/** Where the form goes: the settings of the person, or of an organization. */
export function formAddress(server: string, org: string | undefined, state: string | undefined): string {
  const path = org === undefined ? "settings/apps/new" : `organizations/${org}/settings/apps/new`;
  return `${server}/${path}${state === undefined ? "" : `?state=${state}`}`;
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);

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
<p>The button leads to GitHub, which shows what the App may do and asks for your consent.</p>
<form method="post" action="${escapeHtml(address)}">
<input type="hidden" name="manifest" value="${escapeHtml(JSON.stringify(manifest))}">
<button>Register it on GitHub</button>
</form>
<details><summary>What is sent</summary><pre>${escapeHtml(JSON.stringify(manifest, undefined, 2))}</pre></details>`);
}

export const donePage = (install: string): string =>
  page(`<h1>The App is registered</h1>
<p>Its credentials are on your machine; go back to your terminal.</p>
<p><a href="${escapeHtml(install)}">Install it in repositories</a></p>`);

export const failedPage = (why: string): string =>
  page(`<h1>The App was not registered</h1>\n<p>${escapeHtml(why)}</p>`);
