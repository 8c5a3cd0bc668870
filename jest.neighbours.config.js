// npm run test:neighbours: the tests that install other people's packages.
import own from './jest.config.js'

/** @type {import('jest').Config} */
export default {
  ...own,
  testMatch: ['<rootDir>/test/neighbours/*.test.ts'],
  testPathIgnorePatterns: [],
  // They work more than they wait.
  maxWorkers: 2,
  globalSetup: '<rootDir>/test/neighbours/global-setup.mjs',
  globalTeardown: '<rootDir>/test/neighbours/global-teardown.mjs',
}
