// The page's elements, and how it writes money, times, places, and how something went.

export const byId = (id) => document.getElementById(id)

export const euros = new Intl.NumberFormat('en-GB', { style: 'currency', currency: 'EUR' })
export const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
export const day = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})

/** @param {string} iso @param {Intl.DateTimeFormat} format */
export function timeElement(iso, format) {
  const element = document.createElement('time')
  element.dateTime = iso
  element.textContent = format.format(new Date(iso))
  return element
}

/** @param {string} address of a browser, as the server sees it: behind a proxy, Express has to trust that one */
export function placeOf(address) {
  return /^(?:(?:::ffff:)?127(?:\.\d+){3}|::1)$/.test(address) ? 'this computer' : address
}

export function seconds(count) {
  return `${count} second${count === 1 ? '' : 's'}`
}

/** @typedef {'done' | 'refused' | 'note'} Sign the colour and the picture beside a text, of signs.css */

/** @param {HTMLElement} element @param {string} text @param {Sign} [sign] */
export function say(element, text, sign = undefined) {
  element.textContent = text
  if (sign) element.dataset.sign = sign
  else delete element.dataset.sign
}
