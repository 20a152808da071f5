import { withoutHiddenLine } from '../util/visible-text.ts';
import type { Scope } from './principal.ts';
import { type AskingClient, SIGN_IN_PATH } from './sign-in.ts';

/** A page without a script, in the style of the web page. All texts in it are escaped. */
function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${escaped(title)} – Memories</title>
    <link rel="icon" href="/ui/icon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="/ui/app.css" />
  </head>
  <body>
    <main>
      <div class="card narrow">
        <h1>${escaped(title)}</h1>
${content}
      </div>
    </main>
  </body>
</html>
`;
}

/** @param problem of the last attempt, in words; empty at the first */
export function loginPage(uid: string, client: AskingClient, problem: string): string {
  return page(
    'Sign in',
    `      <p>${client.isPage ? 'Then you see your memories here.' : `${clientName(client)} wants to use your memories.`}</p>
${problemBox(problem)}
      <form method="post" action="${SIGN_IN_PATH}/sign-in/${escaped(uid)}">
        <label>
          Name
          <input name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus maxlength="64" />
        </label>
        <label>
          Password
          <input name="password" type="password" autocomplete="current-password" required maxlength="256" />
        </label>
        <div class="actions"><button class="primary">Sign in</button></div>
      </form>`,
  );
}

const MEANINGS: Readonly<Record<Scope, string>> = {
  'memory:read': 'Read all your memories',
  'memory:write': 'Add, change and delete memories',
  'memory:admin': 'Manage spaces, members and tokens',
};

export interface Consent {
  readonly uid: string;
  readonly client: AskingClient;
  readonly scopes: readonly Scope[];
  readonly person: string;
}

export function consentPage({ uid, client, scopes, person }: Consent): string {
  const boxes = scopes.map(
    (scope) => `          <label class="check">
            <input type="checkbox" name="scope" value="${scope}" checked${scope === 'memory:read' ? ' disabled' : ''} />
            ${MEANINGS[scope]}
          </label>`,
  );
  return page(
    'Allow access?',
    `      <p>${clientName(client)} wants to use the memories of <strong>${escaped(person)}</strong>.</p>
${placeOf(client)}
      <form method="post" action="${SIGN_IN_PATH}/sign-in/${escaped(uid)}/consent">
        <p>It may:</p>
${boxes.join('\n')}
        <div class="actions">
          <button class="primary" name="decision" value="allow">Allow</button>
          <button name="decision" value="refuse">Refuse</button>
        </div>
      </form>
      <p class="hint">Allow it only if you have just started to connect this program yourself.</p>`,
  );
}

/** Where the code goes is the only thing about a client that it cannot make up. */
function placeOf({ redirectUri, document }: AskingClient): string {
  const { hostname, protocol, host } = new URL(redirectUri);
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  const place = isLocal
    ? 'a program on <strong>this computer</strong>. Any program here could claim this name'
    : protocol === 'https:'
      ? `the web site <strong>${escaped(host)}</strong>`
      : `the program that opens addresses with <strong>${escaped(protocol)}</strong>`;
  const described = document === undefined ? '' : ` It is described at ${escaped(new URL(document).host)}.`;
  return `      <p>The access goes to ${place}.${described}</p>`;
}

export function invitationPage(invitation: string, name: string, problem: string): string {
  return page(
    'Choose a password',
    `      <p>You are invited as <strong>${escaped(name)}</strong>.</p>
${problemBox(problem)}
      <form method="post" action="${SIGN_IN_PATH}/invitation/${escaped(invitation)}">
        <input type="hidden" name="name" value="${escaped(name)}" autocomplete="username" />
        <label>
          Password
          <input name="password" type="password" autocomplete="new-password" required minlength="12" maxlength="256" autofocus />
        </label>
        <p class="hint">At least 12 characters; several words are easier to keep in mind.</p>
        <div class="actions"><button class="primary">Save</button></div>
      </form>`,
  );
}

export interface PageLink {
  readonly title: string;
  readonly address: string;
}

export function messagePage(title: string, text: string, link?: PageLink): string {
  const further =
    link === undefined ? '' : `\n      <p><a href="${escaped(link.address)}">${escaped(link.title)}</a></p>`;
  return page(title, `      <p>${escaped(text)}</p>${further}`);
}

/** While the store of the accounts cannot be reached. */
export const UNAVAILABLE_PAGE = messagePage(
  'Sign-in is not possible right now',
  'The database of this server does not answer. Nothing was changed. Try again in a minute.',
);

function problemBox(problem: string): string {
  return problem === '' ? '' : `      <p class="problem" role="alert">${escaped(problem)}</p>`;
}

const LONGEST_NAME = 80;

function clientName({ name }: AskingClient): string {
  const line = withoutHiddenLine(name).trim();
  const short = line.length > LONGEST_NAME ? `${line.slice(0, LONGEST_NAME)}…` : line;
  return short === '' ? 'A program without a name' : `<strong>“${escaped(short)}”</strong>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
