import { getConnInfo } from '@hono/node-server/conninfo';
import type { Hono, MiddlewareHandler } from 'hono';
import { METADATA_PATH, resourceMetadata, resourcePath } from '../../auth/protected-resource.ts';
import {
  consentPage,
  invitationPage,
  loginPage,
  messagePage,
  UNAVAILABLE_PAGE,
} from '../../auth/sign-in-pages.ts';
import { isScope, type Scope } from '../../auth/principal.ts';
import {
  type Outcome,
  PROTOCOL_PATHS,
  type Question,
  SIGN_IN_PATH,
  SIGN_OUT_PATH,
  type SignInServer,
} from '../../auth/sign-in.ts';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { RequestRefusedError } from '../../errors/input-errors.ts';
import type { SignInParts } from '../build-app.ts';
import type { HttpContext, HttpEnvironment } from '../http-environment.ts';
import { REST_OF_PATH } from '../mount-route.ts';

/** Where clients and people sign in. Needs no token, and stands before the guard that asks for one. */
export function mountSignIn(app: Hono<HttpEnvironment>, { resource, server }: SignInParts): void {
  app.get(METADATA_PATH, (context) => context.json(resourceMetadata(resource, '')));
  app.get(`${METADATA_PATH}/:path${REST_OF_PATH}`, async (context, next) => {
    const path = resourcePath(context.req.path.slice(METADATA_PATH.length));
    if (path === '') {
      await next();
      return undefined;
    }
    return context.json(resourceMetadata(resource, path));
  });
  if (server === undefined) return;
  for (const path of PROTOCOL_PATHS) app.all(path, (context) => answerProtocol(context, server));
  mountPages(app, server);
}

/** The protocol is answered on Node's own request and answer, which Hono leaves alone afterwards. */
async function answerProtocol(context: HttpContext, server: SignInServer): Promise<Response> {
  const { outgoing } = context.env;
  for (const [name, value] of Object.entries(PROTOCOL_HEADERS)) outgoing.setHeader(name, value);
  outgoing.setHeader('X-Request-Id', context.get('requestId'));
  await server.answer(context.env);
  const { statusCode: status } = outgoing;
  // The adapter for Node.js looks for the header only at a response that is not its own short form of one.
  return new Response(null, { status, headers: { 'x-hono-already-sent': 'true' } }).clone();
}

function policy(formAction: string): string {
  const sources = "default-src 'none'; style-src 'self'; img-src 'self'";
  return `${sources}; form-action ${formAction}; frame-ancestors 'none'; base-uri 'none'`;
}

const PROTOCOL_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': policy("'none'"),
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/** The page that a person sees while the store of the accounts cannot be reached. */
const pageInstead: MiddlewareHandler<HttpEnvironment> = async (context, next) => {
  await next();
  const { error } = context;
  if (!(error instanceof FaissMemoryError) || !error.retryable || context.res.status !== 503) return;
  const headers = new Headers(context.res.headers);
  context.res = new Response(showPage(context, UNAVAILABLE_PAGE).body, { status: 503, headers });
  context.res.headers.set('Content-Type', 'text/html; charset=UTF-8');
};

function mountPages(app: Hono<HttpEnvironment>, server: SignInServer): void {
  for (const kind of ['sign-in', 'invitation']) app.use(`${SIGN_IN_PATH}/${kind}/*`, pageInstead);
  app.get(`${SIGN_IN_PATH}/sign-in/:uid`, async (context) =>
    showQuestion(context, await server.question(context.env, context.req.param('uid')), ''),
  );
  app.post(`${SIGN_IN_PATH}/sign-in/:uid`, async (context) => {
    const uid = context.req.param('uid');
    const form = await readForm(context);
    const attempt = {
      name: form.get('name') ?? '',
      password: form.get('password') ?? '',
      address: getConnInfo(context).remote.address ?? '',
    };
    return goOn(context, server, { uid, outcome: await server.signIn(context.env, uid, attempt) });
  });
  app.post(`${SIGN_IN_PATH}/sign-in/:uid/consent`, async (context) => {
    const uid = context.req.param('uid');
    const form = await readForm(context);
    const scopes = new Set<Scope>(['memory:read', ...form.getAll('scope').filter(isScope)]);
    const allowed = form.get('decision') === 'allow' ? scopes : undefined;
    return goOn(context, server, { uid, outcome: await server.decide(context.env, uid, allowed) });
  });
  app.post(SIGN_OUT_PATH, async (context) => {
    requireBrowserPage(context);
    await server.end(context.env);
    return context.json({ signed_out: true });
  });
  mountInvitations(app, server);
}

function mountInvitations(app: Hono<HttpEnvironment>, server: SignInServer): void {
  const path = `${SIGN_IN_PATH}/invitation/:invitation`;
  app.get(path, (context) => showInvitation(context, server, ''));
  app.post(path, async (context) => {
    const form = await readForm(context);
    const invitation = context.req.param('invitation');
    const problem = await server.acceptInvitation(invitation, form.get('password') ?? '');
    if (problem !== undefined) return showInvitation(context, server, problem);
    return showPage(
      context,
      messagePage(
        'Your password is saved',
        'Now connect your program to this server, and sign in there. Or open the web page of this server:',
        { title: 'Open the page', address: '/' },
      ),
    );
  });
}

async function showInvitation(
  context: HttpContext,
  server: SignInServer,
  problem: string,
): Promise<Response> {
  const invitation = context.req.param('invitation') ?? '';
  const name = await server.invited(invitation);
  if (name !== undefined) return showPage(context, invitationPage(invitation, name, problem));
  const text = 'It was used already, or it is too old. Ask for a new one.';
  return showPage(context, messagePage('This invitation does not count', text), { status: 404 });
}

function showQuestion(context: HttpContext, question: Question | undefined, problem: string): Response {
  if (question === undefined) {
    const text =
      'It took too long, or was begun in another browser. Start again in the program that sent you here.';
    return showPage(context, messagePage('This sign-in cannot go on', text), { status: 400 });
  }
  const { uid, client } = question;
  const html = question.kind === 'login' ? loginPage(uid, client, problem) : consentPage(question);
  return showPage(context, html, { goesTo: client.redirectUri });
}

interface Step {
  readonly uid: string;
  readonly outcome: Outcome;
}

async function goOn(context: HttpContext, server: SignInServer, { uid, outcome }: Step): Promise<Response> {
  if ('next' in outcome) return context.redirect(outcome.next, 303);
  const question = outcome.problem === 'expired' ? undefined : await server.question(context.env, uid);
  if (outcome.problem !== 'too-many') {
    const answer = showQuestion(context, question, 'The name or the password is wrong.');
    return new Response(answer.body, { status: question === undefined ? 400 : 401, headers: answer.headers });
  }
  const minutes = Math.ceil(outcome.waitSeconds / 60);
  const answer = showQuestion(context, question, `Too many attempts. Try again in ${minutes} minutes.`);
  answer.headers.set('Retry-After', String(outcome.waitSeconds));
  return new Response(answer.body, { status: 429, headers: answer.headers });
}

interface PageOptions {
  readonly status?: 200 | 400 | 404;
  /** Where a form of the page may lead to in the end; browsers hold redirects to the policy of the form. */
  readonly goesTo?: string;
}

function showPage(context: HttpContext, html: string, { status = 200, goesTo }: PageOptions = {}): Response {
  const targets = goesTo === undefined ? '' : ` ${sourceOf(goesTo)}`;
  context.set('pageHeaders', {
    'Content-Security-Policy': policy(`'self'${targets}`),
    // With "no-referrer", browsers send the origin "null" with a form, and it could not be told from another site's.
    'Referrer-Policy': 'same-origin',
  });
  return context.html(html, status);
}

function sourceOf(address: string): string {
  const { origin, protocol } = new URL(address);
  return protocol === 'https:' || protocol === 'http:' ? origin : protocol;
}

const LONGEST_FORM = 16_384;

/**
 * The fields of a form of our own. A page of another site can send one too, so the browser must say that it came from
 * here.
 */
async function readForm(context: HttpContext): Promise<URLSearchParams> {
  requireBrowserPage(context);
  const { req } = context;
  const isForm = /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(req.header('content-type') ?? '');
  const text = isForm ? await req.text() : '';
  return new URLSearchParams(text.length > LONGEST_FORM ? '' : text);
}

/** @throws RequestRefusedError when no page of this server sent the request; the guard of origins knows the others */
function requireBrowserPage({ req }: HttpContext): void {
  if (req.header('origin') !== undefined) return;
  throw new RequestRefusedError('ORIGIN_NOT_ALLOWED', 'The form does not say which page it comes from', {
    fix: 'Send it with a browser.',
  });
}
