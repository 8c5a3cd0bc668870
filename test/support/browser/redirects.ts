// Where an answer sends the browser next, and with which method.
import { isSafe } from './fetch-metadata.ts'
import type { Received } from './http-exchange.ts'

export interface Step {
  method: string
  url: URL
  body?: string | undefined
}

const MAX_REDIRECTS = 20

/** 307 and 308 keep method and body, the others make a GET of a form. */
export function redirect(step: Step, { status, headers }: Received): Step | undefined {
  if (![301, 302, 303, 307, 308].includes(status) || !headers.location) return undefined
  const url = new URL(headers.location, step.url)
  return status >= 307 || isSafe(step.method) ? { ...step, url } : { method: 'GET', url }
}

/** A page that leads on by itself, at once. */
export function refresh(step: Step, { status, body }: Received): Step | undefined {
  const [, address] =
    status === 200 ? (/<meta http-equiv="refresh" content="0;url=([^"]*)">/.exec(body) ?? []) : []
  return address === undefined ? undefined : { method: 'GET', url: new URL(address, step.url) }
}

/** Adds to the chain of addresses, which has to end somewhere. */
export function follow(chain: URL[], url: URL): void {
  if (chain.length > MAX_REDIRECTS)
    throw new Error(`more than ${MAX_REDIRECTS} redirects: ${chain.join(' → ')}`)
  chain.push(url)
}
