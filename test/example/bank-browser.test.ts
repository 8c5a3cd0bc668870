// The example's pages in a real browser: what somebody sees and does there, in one window and in two.
import type { BrowserContext, Page } from 'playwright-core'
import { startChromium } from '../support/browser/chromium.ts'
import { useStarted } from '../support/servers.ts'
import { balance, block, fillInTransfer, logIn, press, says } from './at-the-bank.ts'
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
    await page.locator('#rates polyline[points*=" "]').first().waitFor()
    await says(page, '#timeline', /renewed (?:ahead of time|because it was due)/)
    await press(page, 'Pause')
    await page.getByRole('button', { name: 'Pause', pressed: true }).waitFor()
  })

  test('a link with a problem that no login has shows none of its words', async () => {
    const page = await context.newPage()
    await page.goto(`${bank.url}/?problem=constructor`)
    await says(page, '#notice', 'The login did not work. Please try again.')
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
    expect(await page.locator('#timeline li').allTextContents()).toEqual([
      expect.stringMatching(/renewed by the transfer$/),
      expect.stringMatching(/you logged in$/),
    ])
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
    await says(page, '#notice[data-sign=done]', 'You are logged out, and your tokens are gone.')
    await says(other, '#notice[data-sign=note]', 'You are logged out. You logged out in another window.')
    await page.reload()
    await says(page, 'h1', 'A bank that keeps your tokens to itself')
    await page.locator('#notice').waitFor({ state: 'hidden' })

    await logIn(other, 'Hedy')
    await balance(other, '€1,000.00')
    expect(await other.getByLabel('Euros').inputValue()).toBe('20')
    await press(other, 'Log out everywhere')
    await says(other, '#notice', 'You are logged out.')
    await context.clearCookies({ domain: '127.0.0.1' })
    await logIn(other, 'Mallory')
    expect(await other.getByLabel('Euros').inputValue()).toBe('')
  })

  /** It hears of what happens, or not at all: it does not ask by itself. */
  async function openSecond(page: Page): Promise<Page> {
    await context.addInitScript("if (name === 'second-window') setTimeout = () => 0")
    const opening = context.waitForEvent('page')
    await page.getByRole('link', { name: 'Open a second window' }).click()
    const second = await opening
    await balance(second, '€1,000.00')
    return second
  }

  test('a second window hears of a renewal for the first, and that the provider blocks', async () => {
    let streams = 0
    context.on('request', (request) => {
      if (request.url().endsWith('/api/sessions/events')) streams += 1
    })
    const page = await openAs('Rosa')
    const second = await openSecond(page)
    expect(await second.getByRole('link', { name: 'Open a second window' }).isVisible()).toBe(false)
    await fillInTransfer(page, 'Ada', '20')
    await press(page, 'Send money')
    await says(page, '#timeline', 'renewed by the transfer')
    await says(second, '#timeline', 'renewed for another window')
    await balance(second, '€980.00')
    // A browser has six connections to a server, for all its windows.
    expect(streams).toBe(1)

    await block(page, 'Rosa')
    await fillInTransfer(page, 'Ada', '20')
    await press(page, 'Send money')
    await says(page, '#notice[data-sign=refused]', /no longer vouches for you.*Nothing was sent/)
    await says(second, '#notice[data-sign=refused]', 'Your provider no longer vouches for you')
  })

  test('two windows of one browser and one of another learn of each other, and of a logout everywhere', async () => {
    const page = await openAs('Lise')
    const second = await openSecond(page)
    const elsewhere = await chromium.open()
    try {
      const other = await elsewhere.newPage()
      await other.goto(bank.url)
      await logIn(other, 'Lise')
      for (const window of [page, second]) await window.locator('#sessions li').nth(1).waitFor()
      await says(second, '#sessions', 'from this computer')

      await other.locator('#sessions li', { hasText: '(this one)' }).getByRole('button').click()
      for (const window of [page, second]) await says(window, '#timeline', 'another session of yours ended')
      // The provider still knows them.
      await press(other, 'Log in')
      await says(other, 'h1', 'Hello, Lise')
      await press(other, 'Log out everywhere')
      const why = 'This session was ended from the list of your sessions.'
      for (const window of [page, second, other]) await says(window, '#notice[data-sign=note]', why)
    } finally {
      await elsewhere.close()
    }
  })
})
