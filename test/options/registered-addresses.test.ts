// The addresses that are entered at the provider: said once, while the app is being set up.
import { type AuthOptions, auth } from '../../src/index.ts'
import { VALID } from './valid.ts'

/** What it says at start-up. */
async function said(mode: string | undefined, options: AuthOptions = {}): Promise<string[]> {
  const { NODE_ENV: before } = process.env
  const lines: string[] = []
  const logger = {
    warn: (line: string) => lines.push(`warning: ${line}`),
    info: (line: string) => lines.push(line),
  }
  try {
    if (mode === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = mode
    await auth({ ...VALID, allowInMemoryStore: true, logger, ...options }).close()
  } finally {
    process.env.NODE_ENV = before
  }
  return lines
}

test.each(['development', undefined])(
  'NODE_ENV %s: each of them, as baseURL and routes make them',
  async (mode) => {
    const routes = { callback: '/back', postLogoutRedirect: '/bye', backchannelLogout: '/ended' }
    expect(await said(mode, { baseURL: 'https://app.example.com/shop', routes })).toEqual([
      'express-bff-session: to be entered at the provider, to the letter: redirect URI https://app.example.com/shop/back, post-logout redirect URI https://app.example.com/shop/bye, back-channel logout URI https://app.example.com/shop/ended',
    ])
  },
)

test('a route that is off has no address', async () => {
  const [line] = await said('development', { routes: { backchannelLogout: false } })
  expect(line).toContain('https://app.example.com/callback')
  expect(line).not.toContain('back-channel')
})

test.each(['production', 'test'])('NODE_ENV %s: nothing is said', async (mode) => {
  expect(await said(mode)).toEqual([])
})

test('a logger without info() is not asked for it', async () => {
  const lines: string[] = []
  expect(await said('development', { logger: { warn: (line) => lines.push(line) } })).toEqual([])
  expect(lines).toEqual([])
})
