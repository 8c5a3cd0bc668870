// One request as a browser without cookies sends it, and what comes back.

const TIMEOUT_MS = 10_000
/** Of an answer nobody needs more. */
const MOST_LETTERS = 100_000

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>> | undefined
}

/** @returns the answer, or why there is none */
export async function look(address: string): Promise<Answer | string> {
  try {
    const answer = await fetch(address, {
      redirect: 'manual',
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = (await answer.text()).slice(0, MOST_LETTERS)
    return { status: answer.status, headers: answer.headers, body: json(text) }
  } catch (error) {
    const { cause, name } = error as { cause?: { code?: unknown }; name?: unknown }
    return `${new URL(address).origin} could not be reached (${String(cause?.code ?? name)})`
  }
}

function json(text: string): Answer['body'] {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Answer['body']) : undefined
  } catch {
    return undefined
  }
}
