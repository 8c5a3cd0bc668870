// How the example looks in a real browser: everything fits, can be read, and stands where it belongs, light and dark.
import { readFile } from 'node:fs/promises'
import type { BrowserContext, Page } from 'playwright-core'
import { startChromium } from '../support/browser/chromium.ts'
import { useStarted } from '../support/servers.ts'
import { balance, block, fillInTransfer, logIn, press, says } from './at-the-bank.ts'
import { faintTexts } from './contrast.ts'
import { useBank } from './use-bank.ts'

const PHONE = { width: 360, height: 740 }
const DESK = { width: 1120, height: 700 }
const DRAWING = new URL('../../docs/images/how-it-works.svg', import.meta.url)
const LONG_NAME = 'Wolfeschlegelsteinhausenbergerdorff Maria Theresia'

const chromium = useStarted(() => startChromium())
const bank = useBank({ renewAfter: 120 })
let context: BrowserContext

afterEach(() => context.close())

async function open(
  options: { colorScheme?: 'light' | 'dark'; reducedMotion?: 'reduce' } = {},
): Promise<Page> {
  context = await chromium.open({ viewport: PHONE, ...options })
  return context.newPage()
}

describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
  test('every page fits a small phone and can be read', async () => {
    const page = await open({ colorScheme })
    const name = `${LONG_NAME} ${colorScheme}`.replace(/\b[a-z]/, (letter) => letter.toUpperCase())

    await page.goto(`${bank.url}/nowhere`)
    await says(page, 'h1', 'There is nothing here')
    await look(page)
    await page.getByRole('link', { name: 'Back to the bank' }).click()
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

    await transfer(page, '1')
    await says(page, '#transfer .result', 'Sent €1.00')
    const done = await signOf(page, '#transfer .result')
    await look(page)
    await transfer(page, '2000')
    await says(page, '#transfer .result', 'not enough money')
    const refused = await signOf(page, '#transfer .result')
    expect(refused.picture).toContain('/signs/')
    expect(refused.picture).not.toBe(done.picture)
    expect(refused.colour).not.toBe(done.colour)
    await look(page)

    await block(page, name)
    await transfer(page, '2000')
    await says(page, '#notice', 'Nothing was sent')
    expect(await signOf(page, '#notice')).toMatchObject({ picture: refused.picture })
    await look(page)

    await press(page, 'Log in')
    await says(page, 'h1', 'is blocked')
    await look(page)
  })

  test('the drawing can be read, by itself as well, and by who does not see it', async () => {
    const page = await open({ colorScheme })
    await page.setContent(await readFile(DRAWING, 'utf8'))
    expect(await faintTexts(page)).toEqual([])
    const paper = await page.evaluate(`getComputedStyle(document.querySelector('.paper')).fill`)
    expect(paper).toBe(colorScheme === 'dark' ? 'rgb(22, 32, 28)' : 'rgb(255, 255, 255)')
    const cutOff = `[...document.querySelectorAll('text')].filter((text) => {
      const { left, right, top } = text.getBoundingClientRect()
      const boxes = [...document.querySelectorAll('rect')].map((box) => box.getBoundingClientRect())
      const around = boxes.filter((box) => box.left < left && left < box.right && box.top < top && top < box.bottom)
      return right > around.at(-1).right
    }).map(({ textContent }) => textContent)`
    expect(await page.evaluate(cutOff)).toEqual([])
    await page.getByRole('img', { name: 'How it works: the cookie travels' }).waitFor()
  })
})

test('on a phone the session is right under the balance; at a desk both columns end together, however long they are', async () => {
  const page = await open()
  await page.goto(bank.url)
  await logIn(page, 'Ada')
  await balance(page, '€')
  await page.locator('#rates li').first().waitFor()
  const [first, second] = await cards(page)
  expect([first?.heading, second?.heading]).toEqual(['Balance', 'Your session'])
  expect(second?.top).toBeGreaterThan(first?.bottom ?? 0)

  await page.setViewportSize(DESK)
  for (const change of [
    '',
    `timeline.innerHTML = '<li>one more</li>'.repeat(20)`,
    `sessions.innerHTML = '<li>one more</li>'.repeat(20)`,
    `document.querySelector('#provider-card').hidden = true`,
  ]) {
    await page.evaluate(change)
    const [left, right] = await columnEnds(page)
    expect({ change, left }).toEqual({ change, left: right })
  }
})

test('the keyboard comes to a link first that skips to the content', async () => {
  const page = await open()
  await page.goto(bank.url)
  await says(page, 'h1', 'A bank')
  const link = page.getByRole('link', { name: 'Skip to the content' })
  const topOf = async () => (await link.boundingBox())?.y
  expect(await topOf()).toBeLessThan(0)
  await page.keyboard.press('Tab')
  expect(await link.and(page.locator(':focus')).count()).toBe(1)
  expect(await topOf()).toBeGreaterThanOrEqual(0)
  await page.keyboard.press('Enter')
  await page.locator('main:focus').waitFor()
})

test('the drawing on the first page moves, but not for who asked for less of that', async () => {
  const page = await open()
  await page.goto(bank.url)
  const drawing = page.getByRole('img', { name: 'no token passes to the browser' })
  await drawing.waitFor()
  const shown = () =>
    page.evaluate(
      `(({ currentSrc, naturalWidth }) => [currentSrc, naturalWidth])(document.querySelector('.drawing'))`,
    )
  expect(await shown()).toEqual([`${bank.url}/how-it-works.svg#moving`, 400])
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.reload()
  await drawing.waitFor()
  expect(await shown()).toEqual([`${bank.url}/how-it-works.svg`, 400])
})

test('an address of the loopback is this computer', async () => {
  const page = await open()
  await page.goto(`${bank.url}/nowhere`)
  const addresses = ['127.0.0.1', '::1', '::ffff:127.0.0.1', '192.0.2.127', '::ffff:192.0.2.1']
  const places = `import('/words.js').then(({ placeOf }) => ${JSON.stringify(addresses)}.map(placeOf))`
  const here = 'this computer'
  expect(await page.evaluate(places)).toEqual([here, here, here, '192.0.2.127', '::ffff:192.0.2.1'])
})

async function transfer(page: Page, euros: string): Promise<void> {
  await fillInTransfer(page, 'x'.repeat(70), euros)
  await press(page, 'Send money')
}

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

interface Sign {
  picture: string
  colour: string
}

function signOf(page: Page, selector: string): Promise<Sign> {
  return page.evaluate<Sign>(`(() => {
    const style = getComputedStyle(document.querySelector('${selector}'), '::before')
    return { picture: style.maskImage, colour: style.backgroundColor }
  })()`)
}

interface Card {
  heading: string
  top: number
  bottom: number
  left: number
  right: number
}

function cards(page: Page): Promise<Card[]> {
  return page.evaluate<Card[]>(`[...document.querySelectorAll('.desk > .card')]
    .filter((card) => card.checkVisibility())
    .map((card) => {
      const { top, bottom, left, right } = card.getBoundingClientRect()
      return { heading: card.querySelector('h2').textContent, top, bottom, left, right }
    })`)
}

/** Where the left one and the right one end. */
async function columnEnds(page: Page): Promise<number[]> {
  const all = await cards(page)
  const left = Math.min(...all.map((card) => card.left))
  const right = Math.max(...all.map((card) => card.right))
  expect(all.filter((card) => card.left === left).length).toBeLessThan(all.length)
  return [
    Math.max(...all.filter((card) => card.left === left).map(({ bottom }) => bottom)),
    Math.max(...all.filter((card) => card.right === right).map(({ bottom }) => bottom)),
  ]
}
