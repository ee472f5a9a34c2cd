import { useEffect } from "react";

interface Props {
  styles: string;
  dynamic?: boolean;
}

/**
 * Stands in for the package `react-style-singleton` (see vite.config.ts), by which Radix keeps the
 * page behind a dialog from scrolling. That one writes a `<style>` element, which the server's
 * content security policy refuses; a style sheet that is adopted is no inline style.
 */
export function styleSingleton() {
  let users = 0;
  let sheet: CSSStyleSheet | null = null;

  // biome-ignore lint/correctness/noComponentHookFactories: made once for each user of the module
  return function Sheet({ styles, dynamic }: Props) {
    // biome-ignore lint/correctness/useExhaustiveDependencies: only a dynamic style may change
    useEffect(() => {
      if (users === 0) {
        sheet = new CSSStyleSheet();
        sheet.replaceSync(styles);
        document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
      }
      users += 1;
      return () => {
        users -= 1;
        if (users > 0) return;
        document.adoptedStyleSheets = document.adoptedStyleSheets.filter((item) => item !== sheet);
        sheet = null;
      };
    }, [dynamic ? styles : null]);
    return null;
  };
}
