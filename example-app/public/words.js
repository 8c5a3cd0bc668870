// The page's elements, and how it writes money and times.

export const byId = (id) => document.getElementById(id)

export const euros = new Intl.NumberFormat('en-GB', { style: 'currency', currency: 'EUR' })
export const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
export const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })

/** @param {string} iso @param {Intl.DateTimeFormat} format */
export function timeElement(iso, format) {
  const element = document.createElement('time')
  element.dateTime = iso
  element.textContent = format.format(new Date(iso))
  return element
}

export function seconds(count) {
  return `${count} second${count === 1 ? '' : 's'}`
}
