// The programs that programs.py compiled, by name.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "format.h"
#include "test.h"

namespace throughtime::test {

inline std::string& program_folder() {
  static std::string folder;
  return folder;
}

inline std::vector<std::uint8_t> bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline Program load(const std::string& name) {
  const auto bytes = bytes_of(program_folder() + "/" + name + ".program");
  Reader reader(bytes.data(), bytes.size());
  Program p;
  visit(reader, p);
  p.name = name;
  p.check();
  return p;
}

// All of them, in the order of their names.
inline const std::vector<std::string>& all_programs() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(program_folder()))
      if (entry.path().extension() == ".program") found.push_back(entry.path().stem().string());
    std::sort(found.begin(), found.end());
    if (found.empty()) throw std::runtime_error("no programs in " + program_folder());
    return found;
  }();
  return names;
}

}  // namespace throughtime::test
