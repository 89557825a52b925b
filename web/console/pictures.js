// Pictures of products, as a few shapes in the colours of the page.

import { draw } from './dom.js'

const frame = (shapes) => `<svg viewBox="0 0 240 180" class="picture" aria-hidden="true" preserveAspectRatio="xMidYMid slice"><rect width="240" height="180" class="p-ground"/>${shapes}</svg>`
const table = '<path d="M0 136h240v44H0z" class="p-table"/>'

const PICTURES = {
  mug: frame(`${table}<ellipse cx="118" cy="148" rx="58" ry="7" class="p-shade"/>
    <path d="M150 76h13a21 21 0 0 1 0 42h-13v-11h12a10 10 0 0 0 0-20h-12z" class="p-clay-dark"/>
    <path d="M76 56h80v58c0 19-14 32-32 32h-16c-18 0-32-13-32-32z" class="p-clay"/>
    <path d="M76 56h80v24c-26 9-54 9-80 0z" class="p-glaze"/><path d="M86 80c2 9 1 17-2 22 8-2 10-9 9-19z" class="p-glaze"/>
    <ellipse cx="116" cy="56" rx="40" ry="7.5" class="p-glaze-light"/><ellipse cx="116" cy="57" rx="33" ry="5" class="p-tea"/>
    <path d="M104 42c-6-7 6-11 0-19M122 42c-6-7 6-11 0-19" class="p-steam"/>`),
  tea: frame(`${table}<ellipse cx="120" cy="149" rx="54" ry="6" class="p-shade"/>
    <path d="M78 60h84v78c0 6-4 10-10 10H88c-6 0-10-4-10-10z" class="p-leaf-dark"/>
    <ellipse cx="120" cy="60" rx="42" ry="8" class="p-leaf"/><path d="M82 42h76v18c-24 8-52 8-76 0z" class="p-leaf"/>
    <ellipse cx="120" cy="42" rx="38" ry="7" class="p-leaf-light"/>
    <path d="M92 84h56v42H92z" class="p-paper"/><path d="M120 90c14 6 15 20 0 30-15-10-14-24 0-30z" class="p-leaf"/><path d="M120 94v22" class="p-line"/>`),
  teapot: frame(`${table}<ellipse cx="122" cy="150" rx="72" ry="7" class="p-shade"/>
    <path d="M74 60c4-34 88-34 92 0" class="p-handle"/>
    <path d="M176 92c16-4 18-18 30-22l7 8c-12 8-12 30-32 38z" class="p-iron"/>
    <path d="M62 100c0-28 26-42 58-42s58 14 58 42-24 48-58 48-58-20-58-48z" class="p-iron"/>
    <path d="M66 88c14-8 94-8 108 0M63 104c20-7 94-7 114 0M68 121c18-6 86-6 104 0" class="p-iron-line"/>
    <ellipse cx="120" cy="60" rx="30" ry="6.5" class="p-iron-light"/><circle cx="120" cy="49" r="7" class="p-iron-light"/>`),
  whisk: frame(`${table}<ellipse cx="120" cy="150" rx="46" ry="6" class="p-shade"/>
    <path d="M107 26h26v50h-26z" class="p-bamboo-dark"/><path d="M107 26h26v7h-26zM107 60h26v5h-26z" class="p-bamboo"/>
    <path d="M105 76h30c22 20 26 46 18 72H87c-8-26-4-52 18-72z" class="p-bamboo"/>
    <path d="M112 80c-13 20-18 44-17 66M120 80v68M128 80c13 20 18 44 17 66M116 80c-6 22-8 44-7 67M124 80c6 22 8 44 7 67" class="p-bamboo-line"/>
    <path d="M101 80h38" class="p-thread"/><path d="M99 85h42" class="p-thread"/>`),
  'gift-card': frame(`${table}<path d="M62 66l118-22 18 84-118 22z" class="p-shade"/>
    <rect x="58" y="48" width="124" height="84" rx="9" class="p-card"/><path d="M92 48h16v84H92z" class="p-ribbon"/><path d="M58 84h124v12H58z" class="p-ribbon"/>
    <path d="M100 88c-22-26-34-6 0 2 34-8 22-28 0-2zM100 92c-14 6-20 18-22 26M100 92c12 6 18 16 20 24" class="p-bow"/>`),
  honey: frame(`${table}<ellipse cx="120" cy="150" rx="50" ry="6" class="p-shade"/>
    <path d="M82 66h76c8 8 10 16 10 26v42c0 9-6 14-14 14H86c-8 0-14-5-14-14V92c0-10 2-18 10-26z" class="p-honey"/>
    <path d="M82 66h76c6 6 8 11 9 17-30 8-64 8-94 0 1-6 3-11 9-17z" class="p-honey-light"/>
    <path d="M80 44h80v20H80z" class="p-paper"/><path d="M80 58h80v6H80z" class="p-table"/>
    <path d="M96 94h48v38H96z" class="p-paper"/><path d="M120 98l11 6.5v13L120 124l-11-6.5v-13z" class="p-honey"/>`),
  furoshiki: frame(`${table}<ellipse cx="120" cy="150" rx="62" ry="6" class="p-shade"/>
    <path d="M60 118c0-30 32-44 60-44s60 14 60 44c0 18-10 30-24 30H84c-14 0-24-12-24-30z" class="p-cloth"/>
    <path d="M120 74c-20 18-40 42-42 73M120 74c20 18 40 42 42 73M120 74c-6 26-8 48-6 74" class="p-cloth-line"/>
    <path d="M120 74C92 66 78 40 96 30c14 6 24 24 24 44zM120 74c28-8 42-34 24-44-14 6-24 24-24 44z" class="p-cloth-dark"/><ellipse cx="120" cy="75" rx="12" ry="9" class="p-cloth"/>
    <path d="M84 112l6 6-6 6-6-6zM104 126l6 6-6 6-6-6zM140 104l6 6-6 6-6-6zM158 124l6 6-6 6-6-6z" class="p-cloth-dark"/>`),
}

// A product that has none here gets its letter.
const plain = (name) => {
  const picture = draw(frame(`${table}<circle cx="120" cy="86" r="52" class="p-glaze"/><circle cx="120" cy="86" r="52" class="p-ring"/><text x="120" y="108" text-anchor="middle" class="p-letter"></text>`))
  picture.querySelector('text').textContent = [...name][0] ?? ''
  return picture
}

export function picture(productId, name) {
  return Object.hasOwn(PICTURES, productId) ? draw(PICTURES[productId]) : plain(name)
}
