import { inputRequired, type InputRequests } from '@modelcontextprotocol/server';

type Ask = InputRequests[string];

export function stringField(): { type: 'string' } {
  return { type: 'string' };
}

/** A form of texts, all required. */
export function elicitText(message: string, ...names: readonly string[]): Ask {
  const properties = Object.fromEntries(names.map((name) => [name, stringField()]));
  return inputRequired.elicit({
    message,
    requestedSchema: { type: 'object', properties, required: [...names] },
  });
}

/** A form with a default in every field. */
export const ALL_DEFAULTS: Ask = inputRequired.elicit({
  message: 'Every kind of default',
  requestedSchema: {
    type: 'object',
    properties: {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    },
  },
});

const OPTIONS = ['option1', 'option2', 'option3'];
const titled = (kind: string): { const: string; title: string }[] =>
  ['First', 'Second', 'Third'].map((title, index) => ({
    const: `value${index + 1}`,
    title: `${title} ${kind}`,
  }));

/** A form with every kind of choice. */
export const ALL_ENUMS: Ask = inputRequired.elicit({
  message: 'Every kind of choice',
  requestedSchema: {
    type: 'object',
    properties: {
      untitledSingle: { type: 'string', enum: OPTIONS },
      titledSingle: { type: 'string', oneOf: titled('Option') },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
      titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
    },
  },
});
