// Live rates as Server-Sent Events: what a euro costs, every two seconds.
import type { Request, Response } from 'express'

const EVERY_SECONDS = 2
/** Then the browser asks again by itself, so that who has logged out does not listen for long. */
const LONGEST_SECONDS = 60

const BASE = { USD: 1.0862, GBP: 0.8437, CHF: 0.9514, JPY: 163.42 }

export function streamRates(_req: Request, res: Response): void {
  // A proxy must not keep events back until there are more of them.
  res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store, no-transform' })
  const send = () => res.write(`data: ${JSON.stringify(ratesAt(Date.now()))}\n\n`)
  res.write(`retry: ${EVERY_SECONDS * 1000}\n`)
  send()
  const ticking = setInterval(send, EVERY_SECONDS * 1000)
  const enough = setTimeout(() => res.end(), LONGEST_SECONDS * 1000)
  res.once('close', () => {
    clearInterval(ticking)
    clearTimeout(enough)
  })
}

/** A market that is the same for everybody who looks at the same time. */
function ratesAt(now: number): Record<string, number> {
  const seconds = now / 1000
  return Object.fromEntries(
    Object.entries(BASE).map(([currency, base], index) => {
      const move = Math.sin(seconds / 37 + index * 2) + Math.sin(seconds / 5.3 + index) / 3
      return [currency, Number((base * (1 + move / 400)).toPrecision(5))]
    }),
  )
}
