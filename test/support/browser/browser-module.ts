// The module for the browser, compiled from its source, so that a test needs no build.
import { readFileSync } from 'node:fs'

/** `express-bff-session/browser` as JavaScript: one file that imports nothing. */
export async function browserModule(): Promise<string> {
  // Compiled before all tests, or now.
  process.env.TEST_BROWSER_MODULE ??= (await import('../compile.mjs')).compile('src/browser/index.ts')
  return readFileSync(process.env.TEST_BROWSER_MODULE, 'utf8')
}
