/**
 * The build puts this in the place of `_shims` of the SDK: the smaller of its two JSON Schema validators. The other one
 * is 150 KB that every start would have to read; either is used only for answers to elicitations.
 */
export { CfWorkerJsonSchemaValidator as DefaultJsonSchemaValidator } from '@modelcontextprotocol/server/validators/cf-worker';
export { default as process } from 'node:process';
