import { defineConfig } from 'vitest/config';

const UNIT = 'tests/unit/**/*.test.ts';
const LONG = 'tests/**/*.long.test.ts';

// `npm test` runs the projects "unit" and "fast"; `npm run test:all` runs "long" too. CONTRIBUTING.md says where a test
// goes.
export default defineConfig({
  test: {
    // They end a test that hangs; none of them says how long a test may take on a busy machine.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    maxWorkers: 2,
    pool: 'forks',
    globalSetup: ['tests/helpers/build-once.ts'],
    projects: [
      // They share their modules, as they change no state of them: that saves a third of the time.
      { extends: true, test: { name: 'unit', include: [UNIT], exclude: [LONG], isolate: false } },
      { extends: true, test: { name: 'fast', include: ['tests/**/*.test.ts'], exclude: [UNIT, LONG] } },
      {
        extends: true,
        test: {
          name: 'long',
          include: [LONG],
          env: { TEST_SERVERS: process.env['TEST_SERVERS'] ?? 'all' },
        },
      },
    ],
  },
});
