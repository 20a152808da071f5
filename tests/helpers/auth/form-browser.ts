/** What a page answered. */
export interface Page {
  readonly status: number;
  readonly headers: Headers;
  readonly html: string;
  /** Where it is. */
  readonly url: URL;
}

interface Step {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const MOST_STEPS = 20;

/** Follows redirects, keeps cookies and sends forms, as a browser without a script does. */
export class FormBrowser {
  readonly #cookies = new Map<string, { readonly value: string; readonly path: string }>();
  /** Redirects to other origins are not followed; they end at a page with this status and no text. */
  readonly #home: string;

  constructor(home: string) {
    this.#home = home;
  }

  open(address: string | URL): Promise<Page> {
    return this.#go(new URL(address), { method: 'GET' });
  }

  /** Sends the only form of a page, with the given values. */
  submit(page: Page, values: Readonly<Record<string, string | readonly string[]>>): Promise<Page> {
    const [, action = ''] = /<form[^>]* action="([^"]+)"/.exec(page.html) ?? [];
    if (action === '') throw new Error(`there is no form: ${page.status} ${page.html}`);
    const hidden = [...page.html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
    const given = Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value]));
    return this.post(new URL(action, page.url), { ...given, ...values });
  }

  post(
    address: string | URL,
    values: Readonly<Record<string, string | readonly string[]>>,
    headers: Readonly<Record<string, string>> = { Origin: this.#home },
  ): Promise<Page> {
    const body = new URLSearchParams();
    for (const [name, value] of Object.entries(values))
      for (const one of [value].flat()) body.append(name, one);
    return this.#go(new URL(address), {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
      body: body.toString(),
    });
  }

  async #go(address: URL, first: Step): Promise<Page> {
    let url = address;
    let request = first;
    for (let step = 0; step < MOST_STEPS; step += 1) {
      if (url.origin !== this.#home) return { status: 0, headers: new Headers(), html: '', url };
      const headers = { Accept: 'text/html', ...this.#cookiesFor(url), ...request.headers } as Record<
        string,
        string
      >;
      const answer = await fetch(url, { ...request, headers, redirect: 'manual' });
      this.#keep(answer.headers.getSetCookie());
      const location = answer.headers.get('location');
      if (location === null) {
        return { status: answer.status, headers: answer.headers, html: await answer.text(), url };
      }
      await answer.arrayBuffer();
      url = new URL(location, url);
      request = { method: 'GET' };
    }
    throw new Error(`more than ${MOST_STEPS} redirects`);
  }

  #cookiesFor({ pathname }: URL): Record<string, string> {
    const fitting = [...this.#cookies].filter(([, { path }]) => pathname.startsWith(path));
    if (fitting.length === 0) return {};
    return { Cookie: fitting.map(([name, { value }]) => `${name}=${value}`).join('; ') };
  }

  #keep(headers: readonly string[]): void {
    for (const header of headers) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
      const [, path = '/'] = /;\s*path=([^;]+)/i.exec(header) ?? [];
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, { value, path });
    }
  }
}
