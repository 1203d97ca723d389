#ifdef __CLING__
#pragma link C++ struct podio::ObjectID+;
#pragma link C++ struct edm4hep::Vector2i+;
#pragma link C++ struct edm4hep::Vector3f+;
#pragma link C++ struct edm4hep::Vector3d+;
#pragma link C++ struct edm4hep::MCParticleData+;
#pragma link C++ struct edm4hep::ReconstructedParticleData+;
#pragma link C++ class std::vector<podio::ObjectID>+;
#pragma link C++ class std::vector<edm4hep::MCParticleData>+;
#pragma link C++ class std::vector<edm4hep::ReconstructedParticleData>+;
#endif
