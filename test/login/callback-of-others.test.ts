// Callbacks of other people's logins (login CSRF): they log nobody in, and disturb nobody's own.
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLines } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
let app: TestApp

beforeAll(async () => {
  provider = await startProvider()
  app = await startApp({ provider, options: { logger: createLog().logger } })
})
afterAll(async () => {
  await app?.stop()
  await provider?.stop()
})

const exchanges = () => provider.tokenRequests().length
const whoIs = async (browser: Browser) => (await browser.request('GET', `${app.url}/public`)).json()

test("code and state of another browser's login are refused, and both can go on", async () => {
  const [attacker, victim] = [new Browser(), new Browser()]
  const planted = await attacker.startLogin(app.url, { user: 'attacker' })
  const own = await victim.startLogin(app.url, { user: 'victim' })
  const before = exchanges()
  const page = await victim.navigate(planted, { from: 'https://evil.example/' })
  expect(page.status).toBe(400)
  expect(setCookieLines(page)).toEqual([])
  expect(exchanges()).toBe(before)
  expect(await whoIs(victim)).toMatchObject({ authenticated: false })
  expect((await victim.navigate(own)).json()).toMatchObject({ sub: 'victim' })
  expect((await attacker.navigate(planted)).json()).toMatchObject({ sub: 'attacker' })
})

test("another browser's callback leaves a live session as it is", async () => {
  const [attacker, victim] = [new Browser(), new Browser()]
  await victim.logIn(app.url, { user: 'victim' })
  const planted = await attacker.startLogin(app.url, { user: 'attacker' })
  expect((await victim.navigate(planted)).status).toBe(400)
  expect(await whoIs(victim)).toMatchObject({ sub: 'victim', generation: 1 })
})

test("one's own state with somebody else's code makes no session", async () => {
  const [attacker, victim] = [new Browser(), new Browser()]
  const theirs =
    new URL(await attacker.startLogin(app.url, { user: 'attacker' })).searchParams.get('code') ?? ''
  const own = new URL(await victim.startLogin(app.url, { user: 'victim' }))
  own.searchParams.set('code', theirs)
  const page = await victim.navigate(own.href)
  expect(page.status).toBe(400)
  expect(page.body).not.toContain(theirs)
  expect(await whoIs(victim)).toMatchObject({ authenticated: false })
})
