import { freePort } from '../servers/free-port.ts';
import { launchTeam, type TestTeam } from '../team.ts';
import { FormBrowser } from './form-browser.ts';
import { PASSWORD } from './sign-in-server.ts';

/** A server of a team whose people sign in at the program itself; who calls it stops it. */
export async function launchSignInTeam(more: Readonly<Record<string, string>> = {}): Promise<TestTeam> {
  const port = String(await freePort());
  const publicUrl = `http://127.0.0.1:${port}`;
  return launchTeam({ MEMORY_AUTH: 'embedded', MEMORY_PUBLIC_URL: publicUrl, ...more }, ['--port', port]);
}

/** Adds people as an administrator does; each chooses a password at the link. */
export async function addPeople(team: TestTeam, ...people: string[]): Promise<void> {
  for (const person of people) {
    const link = String((await team.run('user', 'add', person))['link']);
    const browser = new FormBrowser(new URL(link).origin);
    const saved = await browser.submit(await browser.open(link), { password: PASSWORD });
    if (!saved.html.includes('Your password is saved')) throw new Error(saved.html);
  }
}
