// Every code and token the provider handed out, for the test that looks for them where they must not be.
import type { Answer } from './faults.ts'

export function createSecretsSeen() {
  const seen = new Set<string>()
  return {
    look({ headers = {}, body }: Answer) {
      const location = headers.location
      const code =
        typeof location === 'string' && URL.canParse(location) && new URL(location).searchParams.get('code')
      if (code) seen.add(code)
      for (const token of tokensIn(body)) seen.add(token)
    },
    list: () => [...seen],
  }
}

function tokensIn(body: Answer['body']): string[] {
  const text =
    typeof body === 'object' && !(body instanceof Buffer) ? JSON.stringify(body) : String(body ?? '')
  if (!text.startsWith('{')) return []
  try {
    const { refresh_token, access_token, id_token } = JSON.parse(text)
    return [refresh_token, access_token, id_token].filter(
      (token) => typeof token === 'string' && token.length > 20,
    )
  } catch {
    return []
  }
}
