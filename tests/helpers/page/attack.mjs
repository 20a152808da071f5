/* global document, EventSource, fetch, navigator, setTimeout, window, WebSocket */
// Runs in a browser, in a page that wants to read or change the memories of a server it does not belong to.

const JSON_TYPE = { 'Content-Type': 'application/json' };
const TEXT_TYPE = { 'Content-Type': 'text/plain' };
const DRAFT = '{"text":"planted by another page"}';
const LINE = '{"text":"planted by another page"}\n';

/** Requests that change something. */
const changes = (id) => [
  ['POST', '/memory/add', DRAFT],
  ['POST', '/import', LINE],
  ['POST', '/backup', '{}'],
  ['POST', '/backup', ''],
  ['POST', '/sync/upload', ''],
  ['POST', `/memory/${id}/purge`, ''],
  ['POST', '/memory/delete-by-source', '{"source":"a"}'],
  ['PATCH', `/memory/${id}`, DRAFT],
  ['DELETE', `/memory/${id}`, undefined],
  [
    'POST',
    '/mcp',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"memory_add","arguments":{"text":"planted"}}}',
  ],
];
const READS = ['/memories', '/export', '/stats', '/openapi.json', '/health', '/metrics', '/mcp', '/sse', '/'];

/**
 * @param {string} target address of the server
 * @param {string} id of a memory there
 * @returns {Promise<string[]>} what could be read, or was loaded
 */
window.attack = async (target, id) => {
  const attempts = [
    ...READS.flatMap((path) => [
      ['fetch', path, () => readWithFetch(target + path, {})],
      [
        'fetch with a header',
        path,
        () => readWithFetch(target + path, { headers: { 'X-API-Key': 'guess' } }),
      ],
      ['fetch with credentials', path, () => readWithFetch(target + path, { credentials: 'include' })],
      ['opaque fetch', path, () => readWithFetch(target + path, { mode: 'no-cors' })],
      ['img', path, () => load('img', { src: target + path })],
      ['script', path, () => load('script', { src: target + path })],
      ['module', path, () => load('script', { src: target + path, type: 'module' })],
      ['link', path, () => load('link', { href: target + path, rel: 'stylesheet' })],
      ['object', path, () => load('object', { data: target + path })],
      ['iframe', path, () => readFrame(target + path)],
    ]),
    ...changes(id).flatMap(([method, path, body]) => [
      [`${method} of JSON`, path, () => readWithFetch(target + path, { method, body, headers: JSON_TYPE })],
      [`${method} of text`, path, () => readWithFetch(target + path, { method, body, headers: TEXT_TYPE })],
      [`opaque ${method}`, path, () => readWithFetch(target + path, { method, body, mode: 'no-cors' })],
      ['beacon', path, () => sendBeacon(target + path, body)],
      ['form of text', path, () => submit(target + path, 'text/plain', body)],
      ['form', path, () => submit(target + path, 'application/x-www-form-urlencoded', body)],
      ['form of files', path, () => submit(target + path, 'multipart/form-data', body)],
    ]),
    ['EventSource', '/sse', () => open(new EventSource(`${target}/sse`))],
    ['EventSource', '/mcp', () => open(new EventSource(`${target}/mcp`))],
    ['WebSocket', '/mcp', () => open(new WebSocket(`${target.replace('http', 'ws')}/mcp`))],
  ];
  const successes = [];
  for (const [way, path, attempt] of attempts) {
    const result = await attempt().catch(() => undefined);
    if (result !== undefined) successes.push(`${way} ${path}: ${String(result).slice(0, 100)}`);
  }
  return successes;
};

async function readWithFetch(url, options) {
  const response = await fetch(url, options);
  const text = await response.text();
  // Also a refusal may not be read by a foreign page; one of its own origin may.
  return text === '' || /"code":"(HOST|ORIGIN)_NOT_ALLOWED"/.test(text) ? undefined : text;
}

/** Is sent behind our back; the server counts what it did. */
async function sendBeacon(url, body) {
  navigator.sendBeacon(url, body);
}

/** What an element loads runs or is shown, so that its event tells about it. */
function load(name, properties) {
  return settled((resolve) => {
    const element = Object.assign(document.createElement(name), properties);
    element.onload = () => resolve(`${name} was loaded`);
    element.onerror = () => resolve(undefined);
    document.body.append(element);
  });
}

function readFrame(url) {
  return settled((resolve) => {
    const frame = document.createElement('iframe');
    frame.onload = () => resolve(frame.contentDocument?.body?.textContent || undefined);
    frame.src = url;
    document.body.append(frame);
  });
}

/** The server counts what a form did; it says nothing to the page. */
function submit(url, enctype, body = '') {
  return settled((resolve) => {
    const frame = Object.assign(document.createElement('iframe'), { name: `frame-${Math.random()}` });
    const form = Object.assign(document.createElement('form'), {
      action: url,
      method: 'post',
      enctype,
      target: frame.name,
    });
    // `{"text":"…", "x":"=y"}` in one field: a form that is JSON.
    form.append(
      Object.assign(document.createElement('input'), { name: body.replace(/}$/, ',"x":"'), value: '"}' }),
    );
    frame.onload = () => {
      if (frame.contentDocument?.URL !== 'about:blank') resolve(undefined);
    };
    document.body.append(frame, form);
    form.submit();
  });
}

function open(source) {
  return settled((resolve) => {
    source.onopen = () => {
      source.close();
      resolve('it was opened');
    };
    source.onerror = () => {
      source.close();
      resolve(undefined);
    };
  });
}

/** Some refusals bring no event; then nothing was read either. */
function settled(start) {
  return new Promise((resolve) => {
    setTimeout(resolve, 1_000);
    start(resolve);
  });
}
