// Nobody but this page's own origin is contacted: no fonts, no telemetry, no proxy, no assistant.
Scalar.createApiReference("#reference", {
  url: "/openapi.json",
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: "never",
  hideClientButton: true,
  hideModels: true,
  documentDownloadType: "json",
  defaultOpenAllTags: true,
  defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
  customCss: `
    :root {
      --scalar-font: system-ui, sans-serif;
      --scalar-font-code: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace;
    }
    .light-mode {
      --scalar-color-accent: #2f6f4f;
      --scalar-color-2: #5c5c5c;
      --scalar-color-3: #666;
      --scalar-color-green: #00704a;
      --scalar-color-blue: #0064a3;
      --scalar-color-yellow: #7a5b00;
      --scalar-color-orange: #ab3b00;
    }
    .dark-mode {
      --scalar-color-accent: #7fc8a0;
      --scalar-color-3: #9a9a9a;
    }
    /* A part of the page has the focus where its address was followed; it is no control. */
    section[tabindex="-1"]:focus-visible { outline: none; }
  `,
});

// The renderer gives some of its copy buttons a picture and no name.
function nameButtons() {
  for (const button of document.querySelectorAll(".scalar-code-copy:not([aria-label])")) {
    button.setAttribute("aria-label", "Copy");
  }
}

new MutationObserver(nameButtons).observe(document.getElementById("reference"), { childList: true, subtree: true });
