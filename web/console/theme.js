// Before anything is drawn: light or dark, where somebody has chosen. A module would come too late, and the page flash.
try {
  const chosen = localStorage.getItem('theme')
  if (chosen) document.documentElement.dataset.theme = chosen
} catch {
  // Storage is not allowed: as the system has it.
}
