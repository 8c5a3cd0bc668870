// Opens the bank a second time, beside this window, so that one sees both hear of the same.
import { byId } from './words.js'

const NAME = 'second-window'
const WIDTH = 480

export function startSecondWindow() {
  const link = byId('second-window')
  byId('two-windows').hidden = window.name === NAME
  link.addEventListener('click', (event) => {
    const place = `left=${screenX + outerWidth - WIDTH},top=${screenY},width=${WIDTH},height=${outerHeight}`
    const second = open(link.href, NAME, `popup,${place}`)
    // Where there is no such window, the link opens a tab.
    if (second) event.preventDefault()
    second?.focus()
  })
}
