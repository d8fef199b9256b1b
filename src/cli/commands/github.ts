/** Commands by which Trailhand works on GitHub: as an App, or in a job of Actions. */
import { JSON_OPTION, remoteOption, type Command } from "./shape.ts";

export const GITHUB: readonly Command[] = [
  {
    name: "serve",
    group: "github",
    what: "Serve as a GitHub App: take webhooks, act on them, and run what they ask for.",
    more: "Reads APP_ID, PRIVATE_KEY (or PRIVATE_KEY_PATH) and WEBHOOK_SECRET from the environment; GITHUB_API_URL for GitHub Enterprise Server. Webhooks come to /api/github/webhooks; /healthz and /readyz tell how it is. SIGTERM lets what is being worked on end.",
    options: [
      { name: "port", value: "n", what: "Where to listen; PORT or 3000 when left out." },
      { name: "host", value: "address", what: "Which address to listen at; 127.0.0.1 when left out." },
      { name: "inbox", value: "dir", what: "Where deliveries wait; below XDG_STATE_HOME when left out." },
      { name: "no-run", what: "Run no states here: runners on other machines do." },
      { name: "signed", what: "Have GitHub make the commits of answers, and sign them." },
    ],
    examples: [
      { line: "trailhand serve --port 8080", what: "behind a proxy of the same machine" },
      { line: "trailhand serve --host 0.0.0.0 --no-run", what: "in a container, with runners elsewhere" },
    ],
  },
  {
    name: "app-manifest",
    group: "github",
    what: "Register the GitHub App in one click, and keep its credentials.",
    more: "Writes a page with the least permissions that are needed; opened in a browser, its button registers the App. With --listen the page is served on the loopback, and the credentials that GitHub hands out are written to a file that only you can read. GITHUB_SERVER_URL and GITHUB_API_URL name another GitHub.",
    options: [
      { name: "url", value: "address", what: "Where the server will be reached: https://bot.example.com/" },
      { name: "org", value: "name", what: "Register it for an organization; for yourself when left out." },
      {
        name: "name",
        value: "text",
        what: "The App's name, of which GitHub has one only; Trailhand when left out.",
      },
      { name: "listen", what: "Serve the page, and take the credentials from GitHub." },
      {
        name: "out",
        value: "file",
        what: "The file to write: trailhand-app.html, or trailhand-app.env with --listen.",
      },
    ],
    examples: [
      {
        line: "trailhand app-manifest --listen --url https://bot.example.com/",
        what: "register it, and keep the credentials",
      },
      {
        line: "trailhand app-manifest --org example",
        what: "a page that an owner of the organization opens",
      },
    ],
  },
  {
    name: "action",
    group: "github",
    what: "In a job of GitHub Actions: carry out what the event asks for, and work off everything.",
    more: "What action.yml calls. Reads GITHUB_EVENT_NAME, GITHUB_EVENT_PATH, GITHUB_REPOSITORY, GITHUB_SERVER_URL, GITHUB_API_URL and GITHUB_TOKEN; writes GITHUB_STEP_SUMMARY and the outputs applied, answered, failed and waiting. Exit code 0 also when nothing was asked for; 1: an answer was `failed`, or something could not be done.",
    options: [
      {
        name: "remote",
        short: "r",
        value: "url",
        what: "Work at this address; at GITHUB_SERVER_URL/GITHUB_REPOSITORY when left out.",
      },
      { name: "branch", short: "b", value: "name", many: true, offers: "branch", what: "Only this branch." },
      {
        name: "concurrency",
        short: "j",
        value: "n",
        what: "Attempts at once; the workflow's limit when left out.",
      },
      { name: "signed", what: "Have GitHub make the commits of answers, and sign them." },
    ],
    examples: [{ line: "trailhand action", what: "what a step of a workflow runs" }],
  },
  {
    name: "github",
    group: "github",
    what: "`sync`: make GitHub show what the refs say: labels, comments, check runs, pull requests, closed issues.",
    more: "Writes only what differs, so that what was deleted by hand comes back. A pull request is opened where a state says `pull`, an issue is closed with its work, and a comment calls whoever has to go on. With `proof: pusher` it needs --remote, to ask who pushed. Acts as whom GITHUB_TOKEN belongs to, or as the App of APP_ID and PRIVATE_KEY (or PRIVATE_KEY_PATH); GitHub lets an App alone make check runs. GITHUB_API_URL and GITHUB_SERVER_URL name another GitHub. Exit code 1: GitHub refused something; 75: its limits are reached, so try again later.",
    arguments: [{ name: "verb", what: "sync." }],
    options: [
      { name: "repo", value: "owner/name", what: "The repository; GITHUB_REPOSITORY when left out." },
      { name: "dry-run", short: "n", what: "Only say what would be written." },
      remoteOption,
      JSON_OPTION,
    ],
    examples: [
      { line: "trailhand github sync --repo example/shop --dry-run", what: "what is not as it should be?" },
    ],
  },
];
