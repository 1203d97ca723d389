// The passes of study.py that are compiled ahead, behind functions that Python calls by ctypes.
#include "fill.hpp"
#include "reading.hpp"
#include "values.hpp"

#include <TH2D.h>

#include <chrono>
#include <exception>
#include <numeric>

namespace study {

struct Steps {
   std::vector<ROOT::RDF::RResultPtr<ULong64_t>> cutflow;
   std::optional<Node> pairs;  // with a column "pair"
};

template <class Prepare>
Steps select(Node frame, const std::string &collection, Prepare prepare) {
   Steps steps;
   steps.cutflow.push_back(frame.Count());
   for (int step = 1; step <= 2; ++step) {
      frame = frame.Filter([step](const Choice &choice) { return choice.passed >= step; }, {"choice"});
      steps.cutflow.push_back(frame.Count());
   }
   steps.pairs = frame.Define("pair", prepare, {collection, "choice", "rdfentry_"});
   return steps;
}

Steps select_jagged(Node frame, const std::string &electrons) {
   if (electrons == "generator")
      return select(frame.Define("choice", choose_generated, {"Particle"}), "Particle",
                    prepare<edm4hep::MCParticleData>);
   if (electrons == "original")
      return select(frame.Define("choice", choose_original, {"Particle"}), "Particle", prepare_original);
   return select(frame.Define("choice", choose_reconstructed, {"ReconstructedParticles", "Electron#0"}),
                 "ReconstructedParticles", prepare<edm4hep::ReconstructedParticleData>);
}

// The file of `prepare` has a row for each pair, and of its columns only those that an algorithm needs are read.
Node flat_pairs(Node frame, bool independent, bool with_identity) {
   if (independent)
      frame = frame.Define("unnamed",
                           [](float e1, float e2, float mass_square, float sum) {
                              return Pair{0, {}, {e1, e2}, 0, mass_square, sum};
                           },
                           {"e1", "e2", "mass_square", "sum"});
   else
      frame = frame.Define("unnamed",
                           [](float e1, float e2, float opening) {
                              return Pair{0, {}, {e1, e2}, opening};
                           },
                           {"e1", "e2", "opening"});
   if (!with_identity) return frame.Alias("pair", "unnamed");
   return frame.Define("pair",
                       [](Pair pair, ULong64_t event, std::uint32_t object_1, std::uint32_t object_2) {
                          pair.event = event;
                          pair.object = {object_1, object_2};
                          return pair;
                       },
                       {"unnamed", "event", "object_1", "object_2"});
}

void write_flat(Node pairs, const std::string &path) {
   // To read 10^6 pairs takes 0.06 s, from RNTuple and with LZ4 too; the clusters are for the threads to share out
   ROOT::RDF::RSnapshotOptions options;
   options.fCompressionAlgorithm = ROOT::RCompressionSetting::EAlgorithm::kLZ4;  // or level 0 would not be obeyed
   options.fCompressionLevel = 0;
   options.fAutoFlush = 50'000;
   options.fBasketSize = 400'000;
   auto flat = pairs.Define("event", [](const Pair &pair) { return ULong64_t{pair.event}; }, {"pair"})
                  .Define("object_1", [](const Pair &pair) { return pair.object[0]; }, {"pair"})
                  .Define("object_2", [](const Pair &pair) { return pair.object[1]; }, {"pair"})
                  .Define("e1", [](const Pair &pair) { return pair.energy[0]; }, {"pair"})
                  .Define("e2", [](const Pair &pair) { return pair.energy[1]; }, {"pair"})
                  .Define("opening", [](const Pair &pair) { return pair.opening; }, {"pair"})
                  .Define("mass_square", [](const Pair &pair) { return pair.mass_square; }, {"pair"})
                  .Define("sum", [](const Pair &pair) { return pair.sum; }, {"pair"});
   flat.Snapshot("pairs", path, {"event", "object_1", "object_2", "e1", "e2", "opening", "mass_square", "sum"},
                 options);
}

struct Options {
   const char *path, *electrons, *algorithm;  // algorithm: "histograms", "action" or "equal"
   int flat, variations;
   double sigma;
   std::uint64_t seed, keys[n_histograms];
};

struct Outcome {
   long long *counts;  // [variation][histogram][cell]
   long long cutflow[3];
   double loop;  // seconds
};

Task task_of(const Options &options) {
   // hepcol adds its terms in quadrature, and the root of a square may differ from the number in the last bit
   Task task{options.variations, static_cast<float>(std::sqrt(options.sigma * options.sigma)), options.seed};
   std::copy_n(options.keys, n_histograms, task.keys);
   task.independent = options.electrons == std::string("original");
   return task;
}

// Two algorithms; each books and returns a function that runs the event loop and reads the counts.
using Counting = std::function<void(long long *)>;

Counting count_by_action(Node pairs, const Task &task, bool equal, bool flat) {
   const auto make = [&](unsigned slot) { return equal ? make_equal(task) : make_drawn(task, slot); };
   auto counts = pairs.Book<Pair>(Fill(pairs.GetNSlots(), task.variations, make, flat), {"pair"});
   return [counts](long long *to) mutable { std::copy(counts->begin(), counts->end(), to); };
}

// Columns share the memory of the structure.
ROOT::RVecF view(const ROOT::RVecF &values) { return ROOT::RVecF(const_cast<float *>(values.data()), values.size()); }

Node define_smeared(Node pairs, const Task &task) {
   auto generators = std::make_shared<std::vector<std::mt19937_64>>();
   for (unsigned slot = 0; slot < pairs.GetNSlots(); ++slot) generators->push_back(make_generator(task.seed, slot));
   ROOT::RVecI numbers(task.variations);
   std::iota(numbers.begin(), numbers.end(), 0);
   return pairs.DefinePerSample("variation", [numbers](unsigned, const ROOT::RDF::RSampleInfo &) { return numbers; })
      .DefineSlot("smeared",
                  [task, generators](unsigned slot, const Pair &pair) {
                     return smear(pair, task, (*generators)[slot]);
                  },
                  {"pair"})
      .Define("smeared_e1", [](const Smeared &smeared) { return view(smeared.e1); }, {"smeared"})
      .Define("smeared_e2", [](const Smeared &smeared) { return view(smeared.e2); }, {"smeared"})
      .Define("smeared_m_ee", [](const Smeared &smeared) { return view(smeared.m_ee); }, {"smeared"});
}

Counting count_by_histograms(Node pairs, const Task &task) {
   Node frame = define_smeared(pairs, task);
   const int n = task.variations;
   const auto book = [&](const std::string &name, double low, double high) {
      const ROOT::RDF::TH2DModel model(name.c_str(), "", n, -0.5, n - 0.5, n_bins, low, high);
      return frame.Histo2D<ROOT::RVecI, ROOT::RVecF>(model, "variation", "smeared_" + name);
   };
   std::vector booked{book("e1", 0, 100), book("e2", 0, 100), book("m_ee", 84, 98)};
   return [booked, n](long long *to) mutable {
      for (int variation = 0; variation < n; ++variation)
         for (auto &histogram : booked)
            for (int cell = 0; cell < n_cells; ++cell)
               *to++ = static_cast<long long>(histogram->GetBinContent(variation + 1, cell));
   };
}

void run(const Options &options, Outcome &outcome) {
   const Task task = task_of(options);
   const std::string algorithm = options.algorithm;
   std::optional<Restricted> events;
   Steps steps;
   if (options.flat) {
      steps.pairs = flat_pairs(ROOT::RDataFrame("pairs", options.path), task.independent, algorithm == "equal");
   } else {
      events.emplace(options.path, "events", branches_for(options.electrons));
      steps = select_jagged(*events->frame, options.electrons);
   }
   const Counting count = algorithm == "histograms"
                             ? count_by_histograms(*steps.pairs, task)
                             : count_by_action(*steps.pairs, task, algorithm == "equal", options.flat);

   const auto start = std::chrono::steady_clock::now();
   count(outcome.counts);
   outcome.loop = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
   for (std::size_t k = 0; k < steps.cutflow.size(); ++k) outcome.cutflow[k] = *steps.cutflow[k];
}

// Python gets a message instead of an exception.
template <class Function>
const char *guarded(Function function) {
   static std::string message;
   try {
      function();
      return nullptr;
   } catch (const std::exception &error) {
      message = error.what();
      return message.c_str();
   }
}

}  // namespace study

extern "C" const char *study_run(const study::Options *options, study::Outcome *outcome) {
   return study::guarded([&] { study::run(*options, *outcome); });
}

extern "C" const char *study_prepare(const study::Options *options, study::Outcome *outcome, const char *path) {
   return study::guarded([&] {
      study::Restricted events(options->path, "events", study::branches_for(options->electrons));
      auto steps = study::select_jagged(*events.frame, options->electrons);
      study::write_flat(*steps.pairs, path);
      for (std::size_t k = 0; k < steps.cutflow.size(); ++k) outcome->cutflow[k] = *steps.cutflow[k];
   });
}
