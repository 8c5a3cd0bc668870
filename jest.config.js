/** @type {import('jest').Config} */
export default {
  testEnvironment: '<rootDir>/test/support/environment.mjs',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // Those install from a registry: npm run test:neighbours.
  testPathIgnorePatterns: ['<rootDir>/test/neighbours/'],
  testTimeout: 30_000,
  // They wait more than they work.
  maxWorkers: 4,
  // A worker that has run for minutes takes longer than jest's half a second to give its memory back.
  workerGracefulExitTimeout: 10_000,
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { swcrc: false, jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, sourceMaps: 'inline' },
    ],
  },
  // What the example imports by name is tested from the sources, so that a test run needs no build.
  moduleNameMapper: {
    '^express-bff-session(/testing|/telemetry|/express-openid-connect)?$': '<rootDir>/src$1/index.ts',
  },
  // A packed copy or the build output is not a second module of the same name.
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
}
