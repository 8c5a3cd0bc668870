// The example's pages in a real browser: what somebody sees and does there, and that everything fits and can be read.
import type { BrowserContext, Page } from 'playwright-core'
import { startChromium } from '../support/browser/chromium.ts'
import { useStarted } from '../support/servers.ts'
import { balance, block, fillInTransfer, logIn, press, says } from './at-the-bank.ts'
import { faintTexts } from './contrast.ts'
import { useBank } from './use-bank.ts'

const chromium = useStarted(() => startChromium())
const bank = useBank({ renewAfter: 120 })

describe('what somebody sees and does, with nothing but the page to tell them', () => {
  /** Where a session is due every few seconds. */
  const hastyBank = useBank({ renewAfter: 3 })
  let context: BrowserContext

  beforeEach(async () => {
    context = await chromium.open()
  })
  afterEach(async () => {
    await context.close()
    // Chromium writes every 401 to the console, and that is how the page learns that it is logged out; and every stream that
    // ends with its session.
    const expected = /a status of 401|\/api\/rates: .*ERR_INCOMPLETE_CHUNKED_ENCODING/
    const complaints = chromium.complaints.splice(0).filter((line) => !expected.test(line))
    expect([...complaints, ...chromium.strangers]).toEqual([])
  })

  async function openAs(name: string, url = bank.url): Promise<Page> {
    const page = await context.newPage()
    await page.goto(url)
    await logIn(page, name)
    await balance(page, '€1,000.00')
    return page
  }

  const MOST_TABS = 20

  async function tabTo(page: Page, label: string): Promise<void> {
    for (let tabs = 0; tabs < MOST_TABS; tabs += 1) {
      if (await hasFocus(page, label)) return
      await page.keyboard.press('Tab')
    }
    throw new Error(`the keyboard does not get to ${label}`)
  }

  async function hasFocus(page: Page, label: string): Promise<boolean> {
    return (await page.getByLabel(label, { exact: true }).and(page.locator(':focus')).count()) === 1
  }

  test('somebody sees the balance, rates as they come, and renewals as they happen', async () => {
    const page = await openAs('Ada', hastyBank.url)
    await says(page, '#timeline', /– you logged in/)
    await says(page, '#timeline', /renewed to get an access token for the API/)
    await page.locator('#rates polyline[points*=" "]').first().waitFor()
    await says(page, '#timeline', /renewed (?:ahead of time|because it was due)/)
    await press(page, 'Pause')
    await page.getByRole('button', { name: 'Pause', pressed: true }).waitFor()
  })

  test('a transfer needs no mouse, and leaves the keyboard where it was', async () => {
    const page = await openAs('Grace')
    await tabTo(page, 'To')
    await page.keyboard.type('Ada Lovelace')
    await tabTo(page, 'Euros')
    await page.keyboard.type('12.5')
    await page.keyboard.press('Enter')
    await says(page, '#transfer [role=status]', 'Sent €12.50 to Ada Lovelace.')
    await balance(page, '€987.50')
    await says(page, '#timeline', 'renewed by the transfer')
    expect(await hasFocus(page, 'Euros')).toBe(true)
  })

  test('a new address is still there after the provider has asked who it is', async () => {
    const page = await openAs('Ida')
    await page.getByLabel('We write to').fill('7 New Row')
    await press(page, 'Change address')
    await says(page, 'h1', 'Is it still you?')
    await page.getByLabel('Your PIN').fill('1234')
    await press(page, 'Yes, it is me')
    await says(page, '#move [role=status]', 'has not been sent yet')
    // The button has the focus.
    await page.keyboard.press('Enter')
    await says(page, '#move [role=status]', 'From now on we write to 7 New Row.')
  })

  test('who is blocked sees the balance, and a transfer sends nothing, logs them out, and is not lost', async () => {
    const page = await openAs('Eve')
    await block(page, 'Eve')
    await balance(page, '€1,000.00')
    await fillInTransfer(page, 'Mallory', '500')
    await press(page, 'Send money')
    await says(page, '#notice', /Your provider no longer vouches for you.*Nothing was sent.*kept for you/)
    await page.locator('h1#welcome:focus').waitFor()

    await press(page, 'Log in')
    await says(page, 'h1', 'Eve is blocked')
    await press(page, 'Unblock and log in')
    await balance(page, '€1,000.00')
    await says(page, '#transfer [role=status]', 'has not been sent yet')
    await page.keyboard.press('Enter')
    await balance(page, '€500.00')
  })

  test('a logout in one tab is one in all, and what was typed in another is kept for the same person', async () => {
    const page = await openAs('Hedy')
    const other = await context.newPage()
    await other.goto(bank.url)
    await balance(other, '€1,000.00')
    await fillInTransfer(other, 'Ada', '20')
    await press(page, 'Log out')
    await page.waitForURL(`${bank.url}/`)
    await says(page, 'h1', 'A bank that keeps your tokens to itself')
    await says(other, '#notice', 'You are logged out.')

    await logIn(other, 'Hedy')
    // A renewal for the API that meets the end of the session is told of as the provider's doing.
    await balance(other, '€1,000.00')
    expect(await other.getByLabel('Euros').inputValue()).toBe('20')
    await press(other, 'Log out everywhere')
    await says(other, '#notice', 'You are logged out.')
    await context.clearCookies({ domain: '127.0.0.1' })
    await logIn(other, 'Mallory')
    expect(await other.getByLabel('Euros').inputValue()).toBe('')
  })
})

describe('light and dark, on a phone: nothing is cut off, and everything can be read', () => {
  const LONG_NAME = 'Wolfeschlegelsteinhausenbergerdorff Maria Theresia'

  test.each(['light', 'dark'] as const)(
    'every page fits a small phone and can be read, %s',
    async (colorScheme) => {
      const context = await chromium.open({ viewport: { width: 360, height: 740 }, colorScheme })
      const page = await context.newPage()
      const name = `${LONG_NAME} ${colorScheme}`.replace(/\b[a-z]/, (letter) => letter.toUpperCase())

      await page.goto(bank.url)
      await says(page, 'h1', 'A bank')
      await look(page)

      await press(page, 'Log in')
      await press(page, 'Log in')
      await says(page, '[role=alert]', 'Please type a name')
      await look(page)
      await page.goto(bank.url)

      await logIn(page, name)
      await balance(page, '€')
      await page.locator('#rates li').first().waitFor()
      await look(page)

      await block(page, name)
      await fillInTransfer(page, 'x'.repeat(70), '2000')
      await press(page, 'Send money')
      await says(page, '#notice', 'Nothing was sent')
      await look(page)

      await press(page, 'Log in')
      await says(page, 'h1', 'is blocked')
      await look(page)
    },
  )

  async function look(page: Page): Promise<void> {
    const [width, viewport] = await page.evaluate<number[]>(
      '[document.documentElement.scrollWidth, innerWidth]',
    )
    expect({ url: page.url(), width, faint: await faintTexts(page) }).toEqual({
      url: page.url(),
      width: viewport,
      faint: [],
    })
  }
})
