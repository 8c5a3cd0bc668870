// `npm start -- --two-providers`, as a process of its own: customers and staff, each with a development provider.
import { join } from 'node:path'
import { startScript } from '../package/start-script.ts'
import { Browser } from '../support/browser/browser.ts'
import { freePort } from '../support/listen.ts'
import { useParts } from '../support/servers.ts'

const root = join(import.meta.dirname, '../..')
const ARGS = ['--import', 'tsx', 'example-app/main.ts', '--two-providers']

const { bank } = useParts(async (start) => {
  const port = `${await freePort()}`
  const url = `http://localhost:${port}`
  return { bank: { url, ...(await start(startScript(root, ARGS, url, { PORT: port }))) } }
})

const see = async (browser: Browser, path: string) =>
  (await browser.request('GET', bank.url + path)).json<Record<string, unknown>>()

test('who says nothing is asked, and a customer has an account, and no page of the staff’s', async () => {
  const browser = new Browser()
  const choice = await browser.navigate(`${bank.url}/login`)
  expect(choice.body).toContain('<h1>Who are you?</h1>')
  expect(choice.body).toContain('>Log in as a customer</a>')
  const [, link = ''] = /href="([^"]*provider=customers)"/.exec(choice.body) ?? []
  await browser.logIn(bank.url, { path: link.replaceAll('&amp;', '&'), user: 'ada' })
  expect(await see(browser, '/me')).toMatchObject({ session: { provider: 'customers' } })
  expect(await see(browser, '/api/account')).toHaveProperty('balance')
  expect(await see(browser, '/api/sessions')).toMatchObject({ sessions: [{ isThis: true }] })
  expect(await see(browser, '/staff')).toMatchObject({ code: 'provider_required' })
})

test('the page of the staff leads to their login; the same name there is another person', async () => {
  const [customer, member] = [new Browser(), new Browser()]
  await customer.logIn(bank.url, { path: '/login?provider=customers', user: 'bea' })
  const page = await member.logIn(bank.url, { path: '/staff', user: 'bea' })
  expect(page).toMatchObject({ status: 200, url: `${bank.url}/staff` })
  expect(page.body).toMatch(/You are .*, and you work here/)
  for (const browser of [customer, member])
    expect((await see(browser, '/api/sessions')).sessions).toHaveLength(1)
  const paid = { json: { to: 'Grace', amount: 5 } }
  await customer.request('POST', `${bank.url}/api/transfers`, paid)
  const [theirs, other] = [await see(customer, '/api/account'), await see(member, '/api/account')]
  expect(theirs.balance).not.toBe(other.balance)
  await member.request('DELETE', `${bank.url}/api/sessions`)
  expect(await see(member, '/me')).toMatchObject({ authenticated: false })
  expect(await see(customer, '/me')).toMatchObject({ authenticated: true })
})

test('with a provider of one’s own it does not start, and says why', async () => {
  const port = `${await freePort()}`
  const starting = startScript(root, ARGS, `http://localhost:${port}`, {
    PORT: port,
    ISSUER_BASE_URL: 'http://127.0.0.1:1',
  })
  await expect(starting).rejects.toThrow(/--two-providers brings two development providers/)
})
