// The first form of an HTML page, as a browser would submit it.

export interface Form {
  action: string
  method: string
  fields: Record<string, string>
}

export function findForm(html: string, pageUrl: string): Form | undefined {
  const [, tag = '', inside = ''] = /<form\b([^>]*)>(.*?)<\/form>/is.exec(html) ?? []
  if (!tag) return undefined
  const inputs = [...inside.matchAll(/<input\b([^>]*)>/gi)].map(([, attributes = '']) => attributes)
  return {
    action: new URL(attribute(tag, 'action') ?? '', pageUrl).href,
    method: (attribute(tag, 'method') ?? 'get').toUpperCase(),
    fields: Object.fromEntries(
      inputs.flatMap((input) => {
        const name = attribute(input, 'name')
        return name ? [[name, attribute(input, 'value') ?? '']] : []
      }),
    ),
  }
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`, 'i').exec(tag)?.[1]
  return value?.replace(/&(amp|lt|gt|quot|#39|#x27);/g, (entity) => ENTITIES[entity] ?? entity)
}

const ENTITIES: Record<string, string> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&#x27;': "'",
}
