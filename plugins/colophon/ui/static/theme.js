// Light or dark as chosen in Airflow (which keeps it under "theme"), else as the system has it. Runs before anything is drawn.
(() => {
  const apply = () => {
    let chosen = null;
    try { chosen = localStorage.getItem("theme"); } catch { /* storage is closed to us: the system decides */ }
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
    else delete document.documentElement.dataset.theme;
  };
  apply();
  addEventListener("storage", (event) => { if (event.key === "theme" || event.key === null) apply(); });
})();
