// Which texts of a page are hard to read (WCAG 2.2, 1.4.3), as it is shown right now.
import type { Page } from 'playwright-core'

export interface FaintText {
  text: string
  ratio: number
}

// A string: it runs in the page, whose types are not those of Node.js.
const SCRIPT = `(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number)
  const linear = (channel) => (channel <= 10.31 ? channel / 3294.6 : ((channel / 255 + 0.055) / 1.055) ** 2.4)
  const luminance = ([red, green, blue]) =>
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
  // In a drawing: the last box around it.
  const boxAround = (text) => {
    const { x, y } = text.getBoundingClientRect()
    const isAround = ({ left, right, top, bottom }) => left < x && x < right && top < y && y < bottom
    const boxes = [...document.querySelectorAll('rect')].filter((box) => isAround(box.getBoundingClientRect()))
    return channels(getComputedStyle(boxes.at(-1)).fill)
  }
  const ground = (element) => {
    if (element instanceof SVGElement) return boxAround(element)
    for (let at = element; at; at = at.parentElement) {
      const [red, green, blue, alpha = 1] = channels(getComputedStyle(at).backgroundColor)
      if (alpha === 1) return [red, green, blue]
    }
    return [255, 255, 255]
  }
  const ratioOf = (element, pseudo) => {
    const { color, fill } = getComputedStyle(element, pseudo)
    const ink = channels(element instanceof SVGElement ? fill : color)
    const pair = [luminance(ink), luminance(ground(element))]
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)
  }
  const shown = [...document.body.querySelectorAll('*')].filter(
    (element) => element.checkVisibility() && !element.matches('title, desc, style'),
  )
  const texts = shown.flatMap((element) => {
    const own = [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE)
    const text = own.map(({ data }) => data.trim()).join('')
    if (element.placeholder) return [{ text: element.placeholder, ratio: ratioOf(element, '::placeholder') }]
    return text ? [{ text, ratio: ratioOf(element) }] : []
  })
  return texts
})()`

/** @returns those below 4.5 : 1 */
export async function faintTexts(page: Page): Promise<FaintText[]> {
  const texts = await page.evaluate<FaintText[]>(SCRIPT)
  if (texts.length === 0) throw new Error(`there is no text to read at ${page.url()}`)
  return texts.filter(({ ratio }) => ratio < 4.5)
}
