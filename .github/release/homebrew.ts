// The Homebrew formula. It names the archives of one release with their checksums, so the build makes it.

import { homepage, license, version } from "../../package.json";

/** A macOS or glibc archive, by target name. */
type Checksums = ReadonlyMap<string, string>;

/** @throws Error when a system's archive was not built */
export function homebrewFormula(checksums: Checksums): string {
  const source = (target: string): string => {
    const sha256 = checksums.get(target);
    if (sha256 === undefined) throw new Error(`the formula needs the archive for ${target}`);
    return `url "${homepage}/releases/download/v${version}/pipeloom-${target}.tar.gz"
      sha256 "${sha256}"`;
  };
  return `# Made by the build of pipeloom ${version}; changes here are lost with the next release.
class Pipeloom < Formula
  desc "Run many tasks at once, with every state and row in one SQLite file"
  homepage "${homepage}"
  version "${version}"
  license "${license}"

  on_macos do
    on_arm do
      ${source("darwin-arm64")}
    end
    on_intel do
      ${source("darwin-x64")}
    end
  end

  on_linux do
    on_arm do
      ${source("linux-arm64")}
    end
    on_intel do
      ${source("linux-x64")}
    end
  end

  def install
    bin.install "pipeloom"
    man1.install "pipeloom.1"
    generate_completions_from_executable(bin/"pipeloom", "completions")
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/pipeloom --version")
    system bin/"pipeloom", "demo", "-n", "2", "--steps", "1", "--db", testpath/"demo.db"
    assert_path_exists testpath/"demo.db"
  end
end
`;
}
