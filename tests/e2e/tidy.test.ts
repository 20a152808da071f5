import { expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';
