// Makes the pictures of the README, but for the drawing: the example, in a real browser, by the same steps as its tests.
import { writeFile } from 'node:fs/promises'
import { balance, block, fillInTransfer, logIn, press, says } from '../test/example/at-the-bank.ts'
import { openBank } from '../test/example/open-bank.ts'
import { startChromium } from '../test/support/browser/chromium.ts'

const IMAGES = new URL('../docs/images/', import.meta.url)
const DESK = { viewport: { width: 1120, height: 868 } }
const PHONE = { viewport: { width: 390, height: 760 } }

const [chromium, bank] = await Promise.all([startChromium(), openBank({ renewAfter: 8 })])
try {
  const desk = await open(DESK)
  await picture(desk, 'logged-out')
  // Down to where the first cards end.
  await desk.setViewportSize({ width: 1120, height: 738 })
  await logIn(desk, 'Ada')
  await balance(desk, '€1,000.00')
  await says(desk, '#timeline', /renewed (?:ahead of time|because it was due)/)
  await fillInTransfer(desk, 'Grace Hopper', '25')
  await press(desk, 'Send money')
  await says(desk, '#timeline', 'renewed by the transfer')
  await says(desk, '#timeline li:first-child', /renewed (?:ahead of time|because it was due)/)
  await picture(desk, 'logged-in')

  const phone = await open({ ...PHONE, colorScheme: 'dark' })
  await logIn(phone, 'Grace')
  await balance(phone, '€1,000.00')
  await says(phone, '#timeline', /renewed (?:ahead of time|because it was due)/)
  await picture(phone, 'phone-dark')

  const blocked = await open(PHONE)
  await logIn(blocked, 'Eve')
  await balance(blocked, '€1,000.00')
  await block(blocked, 'Eve')
  await fillInTransfer(blocked, 'Mallory', '500')
  await press(blocked, 'Send money')
  await says(blocked, '#notice', 'Nothing was sent')
  await picture(blocked, 'blocked')
} finally {
  await chromium.stop()
  await bank.close()
}

/** @param {import('playwright-core').BrowserContextOptions} options */
async function open(options) {
  const context = await chromium.open({ ...options, reducedMotion: 'reduce' })
  const page = await context.newPage()
  await page.goto(bank.url)
  await page.getByRole('heading', { level: 1 }).waitFor()
  return page
}

/**
 * As WebP, which playwright itself does not write: a third of the size.
 *
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
async function picture(page, name) {
  const session = await page.context().newCDPSession(page)
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 85 })
  const image = Buffer.from(data, 'base64')
  await writeFile(new URL(`${name}.webp`, IMAGES), image)
  console.log(`docs/images/${name}.webp: ${Math.ceil(image.length / 1024)} kB`)
}
