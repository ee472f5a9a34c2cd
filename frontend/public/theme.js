// Loaded before the first paint (a blocking script, as inline ones are forbidden by the server's
// content security policy), so that the page never flashes in the wrong theme.
(() => {
  let theme = "system";
  try {
    theme = localStorage.getItem("lmd.theme") ?? "system";
  } catch {
    // Storage is blocked: follow the system.
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
