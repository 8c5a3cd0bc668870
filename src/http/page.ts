// A page of ours: a title, a few sentences, readable in the light and in the dark.

/** @param body HTML */
export function htmlPage(title: string, body: string): string {
  const text = escapeHTML(title)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>${text}</title><h1>${text}</h1>
${body}</html>`
}

export function escapeHTML(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
