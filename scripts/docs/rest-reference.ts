import type { Route } from '../../src/http/route.ts';
import { allRoutes, teamOnlyRoutes } from '../../src/http/build-app.ts';
import { propertiesOf } from '../../src/api/input.ts';
import { code, fieldTable } from './field-table.ts';
import { GENERATED } from './markdown.ts';

/** The text of docs/rest.md. */
export function restReference(): string {
  return [
    '# REST API',
    GENERATED,
    'The REST API of `faiss-memory serve --http`. [http.md](http.md) has examples, errors, tokens and limits. `GET /openapi.json` returns the same as OpenAPI 3.1.',
    'Fields that the path names are part of the path. Other fields belong in the query with GET and DELETE, and in the JSON body with POST and PATCH. A list in the query is one text with commas, or the same name several times. Answers leave out empty fields. A field that is null counts as absent.',
    overview(),
    ...allRoutes.map(routeSection),
    '# With people and spaces\n\nWith `MEMORY_TEAM=true`, besides all of the above, which is there below `/spaces/{space}` too ([team.md](team.md)). Paths without a space are about the own one.',
    ...teamOnlyRoutes.map(routeSection),
    OTHERS,
  ].join('\n\n');
}

function overview(): string {
  const rows = allRoutes.map(
    ({ method, path, access, summary }) => `| \`${method} ${path}\` | ${access} | ${summary} |`,
  );
  return ['| request | needs | effect |', '| --- | --- | --- |', ...rows].join('\n');
}

function routeSection(route: Omit<Route, 'prepare'>): string {
  const { method, path, summary, details, inQuery = [], long, status } = route;
  const input = route.inputSchema();
  const answer = Object.keys(propertiesOf(route.outputSchema())).map(code).join(', ');
  return [
    `## ${method} ${path}`,
    `${summary}.${details === undefined ? '' : ` ${details}`}`,
    Object.keys(propertiesOf(input)).length === 0 ? 'Takes no fields.' : fieldTable(input),
    ...(inQuery.length === 0 ? [] : [`${inQuery.map(code).join(', ')} can be in the query too.`]),
    `Answers ${status} with ${answer}.${long ? ' Streams progress when the request accepts `text/event-stream`.' : ''}`,
  ].join('\n\n');
}

const OTHERS = `## Others

| request | effect |
| --- | --- |
| \`GET /export\` | all live memories as JSON lines ([format](import-export.md)) |
| \`GET /conversations/{id}/export\` | one conversation as Markdown; id is the session, \`?client=\` tells apart what has one name |
| \`POST /import\` | takes JSON lines (\`Content-Type: application/x-ndjson\`); \`?overwrite=true\` replaces memories that have their id; streams progress when the request accepts \`text/event-stream\` |
| \`GET /health\`, \`/health/live\`, \`/health/ready\` | say whether the process answers and the memories can be used (\`/health/ready\`: 503 when not); need no token |
| \`GET /metrics\` | metrics for Prometheus |
| \`GET /openapi.json\` | this page for programs |
| \`/mcp\`, \`/sse\`, \`/messages\` | MCP: Streamable HTTP, and HTTP+SSE for older clients |
| \`GET /\` | the web page |`;
