// The card "One euro, live": rates from the bank's API as they come, by Server-Sent Events through the relay.
import { drawLine } from './rate-line.js'
import { byId } from './words.js'

const fiveDigits = new Intl.NumberFormat('en-GB', {
  minimumSignificantDigits: 5,
  maximumSignificantDigits: 5,
})

/** @param {() => void} whenRefused is told that the server does not let this page listen any more */
export function createRatesCard(whenRefused) {
  const rows = new Map()
  let source
  let paused = false

  byId('pause-rates').addEventListener('click', ({ target }) => {
    paused = !paused
    target.setAttribute('aria-pressed', String(paused))
    if (paused) stop()
    else watch()
  })

  function watch() {
    if (paused || document.hidden || source) return
    source = new EventSource('/api/rates')
    source.addEventListener('message', ({ data }) => {
      for (const [currency, rate] of Object.entries(JSON.parse(data))) show(currency, rate)
    })
    source.addEventListener('error', () => {
      // A stream that broke off is opened again by the browser; one that was refused is not.
      if (source?.readyState !== EventSource.CLOSED) return
      stop()
      whenRefused()
    })
  }

  function stop() {
    source?.close()
    source = undefined
  }

  function show(currency, rate) {
    const row = rows.get(currency) ?? addRow(currency)
    const before = row.rates.at(-1) ?? rate
    row.rates.push(rate)
    row.rate.textContent = fiveDigits.format(rate)
    row.move.textContent = rate < before ? '▼' : '▲'
    row.move.setAttribute('aria-label', rate < before ? 'falling' : 'rising')
    row.move.className = rate < before ? 'falling' : 'rising'
    drawLine(row.line, row.rates)
  }

  function addRow(currency) {
    const element = byId('rate-row').content.firstElementChild.cloneNode(true)
    element.querySelector('.currency').textContent = currency
    const row = {
      rates: [],
      rate: element.querySelector('.rate'),
      move: element.querySelector('[role=img]'),
      line: element.querySelector('polyline'),
    }
    byId('rates').append(element)
    rows.set(currency, row)
    return row
  }

  return { watch, stop }
}
