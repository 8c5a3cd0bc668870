// The example's pages, light and dark, on a phone: nothing is cut off, and everything can be read.
import type { Page } from 'playwright-core'
import { type Chromium, startChromium } from '../support/browser/chromium.ts'
import { balance, block, fillInTransfer, logIn, press, says } from './at-the-bank.ts'
import { faintTexts } from './contrast.ts'
import { type OpenBank, openBank } from './open-bank.ts'

let chromium: Chromium
let bank: OpenBank

beforeAll(async () => {
  ;[chromium, bank] = await Promise.all([startChromium(), openBank()])
})
afterAll(async () => {
  await chromium?.stop()
  await bank?.close()
})

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
