// Looks at what the provider shows to anybody, and notes by its clock when.

import { jsonObject } from '../lib/json-object.ts'
import type { ProviderSetUp } from '../options/config.ts'
import type { Discovery } from './discovery.ts'
import { cleanedWords } from './provider-words.ts'

export interface Looked {
  readonly status: number
  readonly text: string
  /** What it says of an error, as far as a program can read it. */
  readonly prose: string | undefined
  readonly location: URL | undefined
}

/** A page, as it is for whoever has no cookies; no redirect is followed. */
export type Look = (address: string) => Promise<Looked>

export interface Looking {
  readonly look: Look
  readonly fetch: Discovery['look']
  /** How much the provider's clock is ahead of this machine's, give or take a second; undefined where it did not say. */
  aheadMilliseconds(): number | undefined
}

export function createLooking(config: ProviderSetUp, discovery: Discovery): Looking {
  let ahead: number | undefined

  const fetch: Discovery['look'] = async (url, options) => {
    const answer = await discovery.look(url, options)
    const date = Date.parse(answer.headers.get('date') ?? '')
    // A cache's copy has the date of long ago (RFC 9111 §5.1). The header leaves out fractions.
    if (!answer.headers.has('age') && !Number.isNaN(date)) ahead = date + 500 - Date.now()
    return answer
  }

  return {
    fetch,
    aheadMilliseconds: () => ahead,

    async look(address) {
      const answer = await fetch(address, {
        method: 'GET',
        headers: { accept: 'application/json, text/html;q=0.9' },
        redirect: 'manual',
        signal: AbortSignal.timeout(config.httpTimeoutSeconds * 1000),
      })
      const location = answer.headers.get('location')
      const text = await answer.text()
      return {
        status: answer.status,
        text,
        prose: cleanedWords(jsonObject(text)?.error_description, []),
        location:
          location !== null && URL.canParse(location, address) ? new URL(location, address) : undefined,
      }
    },
  }
}
