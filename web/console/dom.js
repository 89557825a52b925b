// Elements, made from text and never from markup: what an answer says cannot become a part of the page.

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (name === 'value') element.value = value
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false))
  return element
}

// Pictures of our own, which are markup.
export function draw(markup) {
  const holder = document.createElement('template')
  holder.innerHTML = markup
  return holder.content.firstElementChild
}

export function speak(text) {
  const spoken = document.getElementById('spoken')
  // The same again is spoken only where something has changed.
  spoken.textContent = ''
  requestAnimationFrame(() => { spoken.textContent = text })
}
