// What is put around a login, and what it hands to whatever is around the callback: in the login's cookie, sealed and short.
import type { Operation } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const { provider, app } = useParts(async (start) => {
  const provider = await start(startProvider())
  return { provider, app: await start(startApp({ provider })) }
})

let carry: unknown
let carried: unknown
beforeAll(() => {
  app.auth.around((operation: Operation) => {
    if (operation.name === 'login') Object.assign(operation, { carry })
    if (operation.name === 'callback') carried = operation.carried
  })
})

test.each([
  ['a short text', 'trace-of-alice', 'trace-of-alice'],
  ['a long one', 'l'.repeat(5000), 'l'.repeat(128)],
  ['no text', 5, undefined],
])('the callback has what the login was given, as far as it may: %s', async (_what, given, expected) => {
  carry = given
  carried = 'nothing yet'
  const browser = new Browser()
  const back = await browser.startLogin(app.url, { user: 'alice' })
  const cookies = (await browser.cookies(app.url)).map((cookie) => cookie.cookieString()).join('; ')
  expect(cookies).not.toContain('trace-of-alice')
  await browser.navigate(back)
  expect(carried).toBe(expected)
  expect((await browser.request('GET', `${app.url}/private`)).status).toBe(200)
})

test('a callback that belongs to no login of this browser carries nothing', async () => {
  carry = 'trace-of-alice'
  const back = await new Browser().startLogin(app.url, { user: 'alice' })
  carried = 'nothing yet'
  await new Browser().navigate(back)
  expect(carried).toBeUndefined()
  expect(provider.tokenRequests()).toHaveLength(3)
})
