// HTML from templates: whatever is put in is escaped, unless it is HTML made here.

export class Html {
  readonly #markup: string

  constructor(markup: string) {
    this.#markup = markup
  }

  toString(): string {
    return this.#markup
  }
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}

export function html(template: TemplateStringsArray, ...values: (string | Html)[]): Html {
  const markup = template.reduce((before, after, index) => {
    const value = values[index - 1] ?? ''
    return before + (value instanceof Html ? value.toString() : escaped(value)) + after
  })
  return new Html(markup)
}
