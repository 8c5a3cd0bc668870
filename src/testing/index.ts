// `express-bff-session/testing`: an app's own tests log people in, without a provider and without Redis.
export type { LoginOptions, TestPerson } from './people.ts'
export type { TestProvider, WayBack } from './provider.ts'
export { type SignInOptions, signedIn, signedInHeaders, type TestAgent } from './signed-in.ts'
export { type StartedTestProvider, startTestProvider } from './start-test-provider.ts'
export { testOptions, testProvider } from './test-options.ts'
