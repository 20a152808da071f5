import { completable, type GetPromptResult, type McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { askThrough } from './asking-tools.ts';
import { elicitText } from './elicitation-schemas.ts';
import { embedded, PNG, textContent } from './fixture-contents.ts';

type Content = GetPromptResult['messages'][number]['content'];

const withArguments = z.object({
  arg1: completable(z.string(), (value) =>
    ['paris', 'park', 'party'].filter((word) => word.startsWith(value)),
  ),
  arg2: z.string(),
});

export function registerFixturePrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'no arguments' }, () =>
    userSays(textContent('This is a simple prompt for testing.')),
  );
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'two arguments', argsSchema: withArguments },
    ({ arg1, arg2 }) => userSays(textContent(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'embeds a resource', argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri: uri }) =>
      userSays(
        embedded({ uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' }),
        textContent('Please process the embedded resource above.'),
      ),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'shows an image' }, () =>
    userSays({ type: 'image', ...PNG }, textContent('Please analyze the image above.')),
  );
  server.registerPrompt('test_input_required_result_prompt', { description: 'asks first' }, (context) =>
    askThrough(
      [{ user_context: elicitText('What context should the prompt use?', 'context') }],
      context,
      (responses) => userSays(textContent(JSON.stringify(responses))),
    ),
  );
}

function userSays(...contents: readonly Content[]): GetPromptResult {
  return { messages: contents.map((content) => ({ role: 'user', content })) };
}
