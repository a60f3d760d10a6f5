import { type ReactNode, useEffect, useRef } from 'react';
import { Link, Navigate, useLocation } from 'react-router';
import { useSession } from '../account/session.ts';
import { useWords } from '../words/language.tsx';

interface Props {
  readonly title: string;
  /** Title of the tab, where it is another one. */
  readonly tabTitle?: string;
  readonly children: ReactNode;
}

/** The path of the page before; undefined on the first page of a visit, where the browser sets the focus. */
let lastPath: string | undefined;

/** A page with its heading. On a page that a link led to the heading has the focus, so that a screen reader reads on from it. */
export function Page({ title, tabTitle = title, children }: Props): ReactNode {
  const { product } = useWords();
  const { pathname } = useLocation();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${tabTitle} · ${product}`;
  }, [tabTitle, product]);
  useEffect(() => {
    if (lastPath !== undefined && lastPath !== pathname) {
      scrollTo(0, 0);
      heading.current?.focus();
    }
    lastPath = pathname;
  }, [pathname]);
  return (
    <div className="stack">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </div>
  );
}

/** What stands where a page is loaded. */
export function Loading(): ReactNode {
  const { frame } = useWords();
  return (
    <div className="stack" role="status">
      <span className="visually-hidden">{frame.loading}</span>
      <div className="skeleton" />
      <div className="skeleton" />
      <div className="skeleton" />
    </div>
  );
}

/** Around a page for users who are signed in; leads others to sign in, and back. */
export function ForUsers({ children }: { children: ReactNode }): ReactNode {
  const { status } = useSession();
  const { pathname, search } = useLocation();
  if (status === 'unknown') return <Loading />;
  if (status === 'guest') return <Navigate to={`/sign-in?next=${encodeURIComponent(pathname + search)}`} replace />;
  return children;
}

/** The page of this site that a path leads to, as a browser reads it; the first one where it leads to another site. */
export function placeWithin(path: string | null): string {
  const { origin } = location;
  if (path === null || !URL.canParse(path, origin)) return '/';
  const url = new URL(path, origin);
  // What is left of /.//example.com begins with two slashes, which name another site.
  const isHere = url.origin === origin && !url.pathname.startsWith('//');
  return isHere ? url.pathname + url.search : '/';
}

export function NotFound(): ReactNode {
  const { frame } = useWords();
  return (
    <Page title={frame.notFound}>
      <p className="soft">{frame.notFoundHelp}</p>
      <p>
        <Link className="button" to="/">
          {frame.toConcerts}
        </Link>
      </p>
    </Page>
  );
}
